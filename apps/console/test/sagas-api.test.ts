import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HEADERS, fixture } from './app-fixture.ts'
import { fakeSagas, mixedSagas } from './sagas-fixture.ts'

test('sagas: the list by state, name and page; one of them; what cannot be is said', async (t) => {
  const { sagas } = fakeSagas(mixedSagas())
  const { get } = await fixture(t, { sagas })
  const ids = ({ json }: { json: Record<string, unknown> }) => (json['sagas'] as { id: string }[]).map(({ id }) => id)
  assert.equal(ids(await get('/api/sagas')).length, 6)
  assert.deepEqual(ids(await get('/api/sagas?state=parked')), ['order-7'])
  assert.deepEqual(ids(await get('/api/sagas?state=waiting&saga=checkout')), [])
  assert.deepEqual(ids(await get(`/api/sagas?before=${mixedSagas()[4]!.record.startedAtMs - 1_000}-a-b`)), ['order-2'])
  for (const wrong of ['state=dead', 'saga=', 'before=x', 'before=1-']) assert.equal((await get(`/api/sagas?${wrong}`)).status, 400, wrong)
  const one = await get('/api/saga?service=orders&id=order-7')
  assert.deepEqual([one.status, one.json['status'], one.headers['cache-control']], [200, 'parked', 'no-store'])
  assert.equal((await get('/api/saga?service=orders&id=none')).status, 404)
  assert.equal((await get('/api/saga?service=orders')).status, 400)
})

test('a change says why, is checked before it is asked for, and may be refused', async (t) => {
  const { sagas, changes } = fakeSagas(mixedSagas())
  const { app } = await fixture(t, { sagas })
  const post = (payload: object, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: '/api/saga/change', headers: { ...HEADERS, ...headers }, payload })
  const asked = { service: 'orders', id: 'order-7', action: 'retry', note: 'the bank is back' }
  assert.deepEqual((await post(asked)).json(), { id: 'order-7', status: 'running' })
  assert.equal((await post({ ...asked, action: 'skip', step: 'charge', result: { n: 1 } })).statusCode, 200)
  assert.deepEqual(changes, [
    ['orders', { id: 'order-7', action: 'retry', note: 'the bank is back' }],
    ['orders', { id: 'order-7', action: 'skip', note: 'the bank is back', step: 'charge', result: { n: 1 } }],
  ])
  for (const wrong of [{ note: '' }, { note: undefined }, { action: 'delete' }, { action: 'skip' }, { service: undefined }])
    assert.equal((await post({ ...asked, ...wrong })).statusCode, 400, JSON.stringify(wrong))
  // A page of another site, whose script sends its origin.
  assert.equal((await post(asked, { origin: 'http://evil.example' })).statusCode, 403)
  assert.equal(changes.length, 2)
  const refused = await post({ ...asked, note: 'refuse' })
  assert.deepEqual([refused.statusCode, /is running/.test(refused.body)], [409, true])
})
