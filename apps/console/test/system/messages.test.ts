import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { supervisedMessages } from '../../src/system/messages.ts'
import { parseRunFile } from '../../src/system/run-file.ts'

interface Question {
  readonly service: string
  readonly question: string
  readonly by?: string
}

/** A control socket that answers as `answer` says, and the console's part that asks it. */
async function supervised(t: TestContext, answer: (question: Question) => object) {
  const folder = mkdtempSync(join(tmpdir(), 'console-messages-'))
  const asked: string[] = []
  const by: (string | undefined)[] = []
  const connections = new Set<Socket>()
  const server = createServer((socket) => {
    connections.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', (line) => {
      const question = JSON.parse(line.toString()) as Question
      asked.push(`${question.service} ${question.question}`)
      by.push(question.by)
      socket.write(`${JSON.stringify(answer(question))}\n`)
    })
  })
  const controlSocket = join(folder, 'control.sock')
  await new Promise<void>((resolve) => server.listen(controlSocket, resolve))
  t.after(() => {
    for (const connection of connections) connection.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  })
  const process = (name: string, role = 'service') => ({ name, role, pid: 1, startedAt: new Date(0).toISOString() })
  const processes = [process('console', 'console'), process('gateway', 'gateway'), process('orders'), process('payments')]
  const runFile = join(folder, 'run.json')
  const text = JSON.stringify({ system: 'shop', supervisorPid: 1, controlSocket, processes })
  writeFileSync(runFile, text)
  return { messages: supervisedMessages({ runFile, run: async () => parseRunFile(text) }), asked, by }
}

const status = {
  outbox: null,
  consumers: [],
  queues: [{ name: 'letters', ready: 0, delayed: 0, leased: 0, dead: 1 }],
  publishes: [],
  topics: [],
}

test('each service is asked once, however many pages look; what one cannot say is told beside the others', async (t) => {
  const letters = [{ source: 'queue:letters', letters: [{ id: 'm-1' }], isMore: false }]
  const { messages, asked } = await supervised(t, ({ service, question }) =>
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
  assert.deepEqual(asked.toSorted(), ['orders dead-letters', 'orders messages', 'payments messages'])
})

test('a process that has nothing to say about messages is left out', async (t) => {
  const { messages } = await supervised(t, () => ({ ok: false, error: { code: 'not-found', message: 'nothing to say', executed: 'no' } }))
  assert.deepEqual(await messages.all(), [])
})

test('a requeue says who asks, and what was known before it is asked for anew', async (t) => {
  const { messages, asked, by } = await supervised(t, ({ question }) => ({
    ok: true,
    result: question === 'messages' ? { ...status, queues: [] } : { letters: [], left: 0 },
  }))
  await messages.all()
  assert.deepEqual(await messages.requeue('orders', { source: 'queue:letters', ids: ['m-1'] }), { letters: [], left: 0 })
  await messages.all()
  assert.equal(asked.filter((question) => question === 'orders messages').length, 2)
  assert.match(by[asked.indexOf('orders requeue-dead-letters')]!, /\(console\)$/)
})

test('a console that no supervisor started says so', async () => {
  const messages = supervisedMessages({ runFile: undefined, run: async () => parseRunFile('{}') })
  assert.deepEqual(await messages.all(), [])
  await assert.rejects(messages.deadLetter('orders', 'm-1'), /No supervisor started this console/)
})
