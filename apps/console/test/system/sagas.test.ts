import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { supervisedSagas } from '../../src/system/sagas.ts'
import { parseRunFile } from '../../src/system/run-file.ts'
import { controlSocket, type Question } from './control-socket.ts'

async function supervised(t: TestContext, answer: (question: Question) => object) {
  const processes = { gateway: 'gateway', orders: 'service', payments: 'service', travel: 'service' }
  const { asked, system } = await controlSocket(t, processes, answer)
  return { sagas: supervisedSagas(system), asked }
}

const error = (code: string, message: string) => ({ ok: false, error: { code, message, executed: 'no' } })
const counts = { running: 1, waiting: 0, compensating: 0, parked: 2, completed: 10_000, compensated: 0 }
const listOf = (...startedAtMs: number[]) => ({
  ok: true,
  result: {
    sagas: startedAtMs.map((at) => ({ id: `s-${at}`, saga: 'checkout', startedAtMs: at })),
    isMore: false,
    counts,
    countMax: 10_000,
    definitions: [{ name: 'checkout', version: 1 }],
  },
})

test('the lists of all services are one, the newest first; who has no sagas is left out, and who is silent is named', async (t) => {
  const { sagas, asked } = await supervised(t, ({ service }) => {
    if (service === 'payments') return error('not-found', 'payments has nothing to say about sagas.')
    return service === 'orders' ? listOf(5, 3, 1) : error('unavailable', 'travel cannot be asked: it is backing-off.')
  })
  const [one, other] = await Promise.all([sagas.list({ state: 'parked' }), sagas.list({ state: 'parked' })])
  assert.equal(one, other, 'processes are asked once')
  assert.deepEqual(
    one.sagas.map(({ service, id }) => `${service} ${id}`),
    ['orders s-5', 'orders s-3', 'orders s-1'],
  )
  assert.deepEqual(one.silent, [{ service: 'travel', problem: 'travel cannot be asked: it is backing-off.' }])
  assert.deepEqual([one.counts, one.nextBefore], [counts, undefined])
  assert.deepEqual(asked.map(({ service, parameters }) => `${service} ${JSON.stringify(parameters)}`).toSorted(), [
    'orders {"state":"parked"}',
    'payments {"state":"parked"}',
    'travel {"state":"parked"}',
  ])
})

test('of several services a page has the newest, counts are added up, and the next page begins behind the last', async (t) => {
  const { sagas } = await supervised(t, ({ service }) => {
    const first = service === 'orders' ? 0 : 1
    return service === 'payments' ? error('not-found', '') : listOf(...Array.from({ length: 40 }, (_, index) => 1_000 - 2 * index - first))
  })
  const view = await sagas.list({})
  assert.deepEqual([view.sagas.length, view.sagas[1]?.service, view.nextBefore], [50, 'travel', '951-s-951'])
  assert.deepEqual([view.counts.parked, view.counts.completed, view.countMax], [4, 20_000, 10_000])
})

test('the steps of one saga are put together from their parts', async (t) => {
  const steps = Array.from({ length: 7 }, (_, index) => ({ step: `s${index}` }))
  const { sagas } = await supervised(t, ({ parameters }) => {
    const after = parameters['after'] as number
    return { ok: true, result: { id: 'order-1', steps: steps.slice(after, after + 3), isMore: after + 3 < steps.length } }
  })
  const { steps: found } = await sagas.saga('orders', 'order-1')
  assert.deepEqual(found, steps)
})

test('a change says who asks, and lists are asked for anew', async (t) => {
  const { sagas, asked } = await supervised(t, ({ question, service }) =>
    question === 'change-saga'
      ? { ok: true, result: { id: 'a', status: 'running' } }
      : service === 'orders'
        ? listOf(1)
        : error('not-found', ''),
  )
  await sagas.list({})
  assert.deepEqual(await sagas.change('orders', { id: 'a', action: 'retry', note: 'why' }), { id: 'a', status: 'running' })
  await sagas.list({})
  assert.equal(asked.filter(({ question, service }) => question === 'sagas' && service === 'orders').length, 2)
  const change = asked.find(({ question }) => question === 'change-saga')
  assert.match(change?.by ?? '', /\(console\)$/)
  assert.deepEqual(change?.parameters, { id: 'a', action: 'retry', note: 'why' })
})

test('a console that no supervisor started says so', async () => {
  const sagas = supervisedSagas({ runFile: undefined, run: async () => parseRunFile('{}') })
  assert.deepEqual((await sagas.list({})).sagas, [])
  await assert.rejects(sagas.saga('orders', 'a'), /No supervisor started this console/)
})
