import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HEADERS, fixture } from './app-fixture.ts'
import { LONG_REASON, fakeGateways, halfWay } from './gateways-fixture.ts'

test('a share is moved with a reason alone, and by this console’s own page', async (t) => {
  const { gateways, changes } = fakeGateways([halfWay()])
  const { app, get } = await fixture(t, { gateways })
  assert.equal(((await get('/api/gateways')).json['gateways'] as object[]).length, 1)
  const post = async (path: string, payload: object, headers: Record<string, string> = {}) => {
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url: `/api/gateway/${path}`,
      headers: { ...HEADERS, ...headers },
      payload,
    })
    return [statusCode, (JSON.parse(body) as { detail?: string }).detail] as const
  }
  const shift = { gateway: 'gateway', route: 'reviews', percent: 60, why: 'more' }
  for (const [payload, field] of [
    [{ ...shift, why: '' }, 'why'],
    [{ ...shift, route: 7 }, 'route'],
    [{ ...shift, tenant: '' }, 'tenant'],
    [{ ...shift, percent: '60' }, 'percent'],
    [{ ...shift, percent: 101 }, 'percent'],
    [[], 'gateway'],
  ] as const)
    assert.match((await post('shift', payload))[1] ?? '', new RegExp(`does not hold: ${field}`))
  assert.equal((await post('shift', shift, { origin: 'http://evil.example' }))[0], 403)
  assert.equal((await post('rollback', shift, { 'sec-fetch-site': 'cross-site' }))[0], 403)
  assert.equal((await post('shift', shift, { 'content-type': 'text/plain' }))[0], 400)
  assert.deepEqual(changes, [])

  assert.equal((await post('shift', shift))[0], 200)
  assert.deepEqual(await post('shift', { ...shift, route: 'ghost' }), [404, 'There is no route ghost.'])
  assert.deepEqual(await post('shift', { ...shift, route: 'customers' }), [409, `Route customers stays at 0 %: ${LONG_REASON}.`])
  assert.equal((await post('rollback', { gateway: 'gateway', route: 'reviews', tenant: 'acme', why: 'back' }))[0], 200)
  assert.deepEqual(changes[0], ['gateway', { route: 'reviews', percent: 60, why: 'more' }])
  assert.deepEqual(changes.at(-1), ['gateway', { route: 'reviews', tenant: 'acme', why: 'back' }])
})
