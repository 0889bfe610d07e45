import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { supervisedMessages } from '../../src/system/messages.ts'
import { parseRunFile } from '../../src/system/run-file.ts'
import { controlSocket, type Question } from './control-socket.ts'

async function supervised(t: TestContext, answer: (question: Question) => object) {
  const processes = { console: 'console', gateway: 'gateway', orders: 'service', payments: 'service' }
  const { asked, system } = await controlSocket(t, processes, answer)
  const questions = () => asked.map(({ service, question }) => `${service} ${question}`)
  return { messages: supervisedMessages(system), asked, questions }
}

const status = {
  outbox: null,
  consumers: [],
  projections: [],
  queues: [{ name: 'letters', ready: 0, delayed: 0, leased: 0, dead: 1 }],
  publishes: [],
  topics: [],
}

test('each service is asked once, however many pages look; what one cannot say is told beside the others', async (t) => {
  const letters = [{ source: 'queue:letters', letters: [{ id: 'm-1' }], isMore: false }]
  const { messages, questions } = await supervised(t, ({ service, question }) =>
    service === 'payments'
      ? { ok: false, error: { code: 'unavailable', message: 'payments cannot be asked: it is backing-off.', executed: 'no' } }
      : { ok: true, result: question === 'messages' ? status : { sources: letters } },
  )
  const [one, other] = await Promise.all([messages.all(), messages.all()])
  assert.deepEqual(one, other)
  assert.deepEqual(one, [
    { service: 'orders', status, deadLetters: letters, problem: null },
    { service: 'payments', status: null, deadLetters: [], problem: 'payments cannot be asked: it is backing-off.' },
  ])
  assert.deepEqual(questions().toSorted(), ['orders dead-letters', 'orders messages', 'payments messages'])
})

test('a process that has nothing to say about messages is left out', async (t) => {
  const { messages } = await supervised(t, () => ({ ok: false, error: { code: 'not-found', message: 'nothing to say', executed: 'no' } }))
  assert.deepEqual(await messages.all(), [])
})

test('a requeue says who asks, and what was known before it is asked for anew', async (t) => {
  const { messages, asked, questions } = await supervised(t, ({ question }) => ({
    ok: true,
    result: question === 'messages' ? { ...status, queues: [] } : { letters: [], left: 0 },
  }))
  await messages.all()
  assert.deepEqual(await messages.requeue('orders', { source: 'queue:letters', ids: ['m-1'] }), { letters: [], left: 0 })
  await messages.all()
  assert.equal(questions().filter((question) => question === 'orders messages').length, 2)
  assert.match(asked[questions().indexOf('orders requeue-dead-letters')]!.by!, /\(console\)$/)
})

test('a console that no supervisor started says so', async () => {
  const messages = supervisedMessages({ runFile: undefined, run: async () => parseRunFile('{}') })
  assert.deepEqual(await messages.all(), [])
  await assert.rejects(messages.deadLetter('orders', 'm-1'), /No supervisor started this console/)
})
