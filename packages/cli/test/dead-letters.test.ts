import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { DeadLetterSummary } from '@seaworthy/supervisor/management'
import { type Answers, supervised as supervisedBy } from './supervised.ts'

const supervised = async (t: TestContext, answers: Answers) => {
  const { run, asked } = await supervisedBy(t, answers)
  return { say: (...args: string[]) => run('dead-letters', ...args), asked }
}

function letter(id: string, more: Partial<DeadLetterSummary> = {}): DeadLetterSummary {
  return {
    source: 'consumer:orders',
    id,
    topic: 'payments',
    key: 'a',
    type: 'payment.charged',
    sequence: 1,
    kind: 'parked',
    attempts: 10,
    reason: 'It is no good.',
    diedAtMs: 0,
    position: 1,
    ...more,
  }
}

const queued = (id: string) =>
  letter(id, { source: 'queue:letters', topic: null, key: null, type: null, sequence: null, position: null, kind: 'queued' })
const handled = (id: string) => ({ id, outcome: 'handled', attempt: 2, reason: null }) as const
const failed = (id: string) => ({ id, outcome: 'failed', attempt: 2, reason: 'Still no good.' }) as const

/** Two pages of a consumer's letters, of keys a, b and a, and a queue's. */
const pages: Answers['dead-letters'] = ({ after }) =>
  after === undefined
    ? {
        sources: [
          { source: 'consumer:orders', letters: [letter('m-1'), letter('m-2', { key: 'b', position: 2 })], isMore: true },
          { source: 'queue:letters', letters: [queued('q-1'), queued('q-2')], isMore: false },
        ],
      }
    : {
        sources: [
          { source: 'consumer:orders', letters: [letter('m-3', { kind: 'held', position: 3, reason: 'a\u001B[31mred' })], isMore: false },
        ],
      }

test('list shows every page, and no text of a message can write to the terminal', async (t) => {
  const { say } = await supervised(t, { 'dead-letters': pages })
  const { code, lines } = await say('list', 'orders')
  assert.equal(code, 0)
  assert.deepEqual(
    lines.slice(1).map((line) => /(?:m|q)-\d/.exec(line)?.[0]),
    ['m-1', 'm-2', 'm-3', 'q-1', 'q-2'],
  )
  assert.match(lines[3]!, /a\u{fffd}\[31mred/u)
  const none = await supervised(t, { 'dead-letters': () => ({ sources: [] }) })
  assert.deepEqual(await none.say('list', 'orders'), { code: 0, lines: ['orders has no dead letters.'] })
})

test('requeue --all asks for each key once, in the order of its first letter, and for a queue by ids, saying who asks', async (t) => {
  const { say, asked } = await supervised(t, {
    'dead-letters': pages,
    'requeue-dead-letters': () => ({ letters: [handled('m-1')], left: 0 }),
  })
  const { code, lines } = await say('requeue', 'orders', '--all')
  assert.equal(code, 0)
  assert.equal(lines.at(-1), 'None of them is left.')
  assert.deepEqual(
    asked.map(({ by: _by, ...parameters }) => parameters),
    [
      { source: 'consumer:orders', topic: 'payments', key: 'a' },
      { source: 'consumer:orders', topic: 'payments', key: 'b' },
      { source: 'queue:letters', ids: ['q-1', 'q-2'] },
    ],
  )
  for (const { by } of asked) assert.match(String(by), /\(command line\)$/)
})

test('requeue asks again while there is progress, and stops at what fails with exit code 1', async (t) => {
  const answers = [
    { letters: [handled('m-1')], left: 3 },
    { letters: [handled('m-3'), failed('m-4')], left: 2 },
  ]
  const { say, asked } = await supervised(t, { 'dead-letters': pages, 'requeue-dead-letters': () => answers.shift()! })
  const { code, lines } = await say('requeue', 'orders', '--key', 'a')
  assert.equal(code, 1)
  assert.equal(asked.length, 2)
  assert.deepEqual(lines, [
    'handled   m-1',
    'handled   m-3',
    'failed    m-4  Still no good.',
    '2 are left: mend the cause, then requeue again.',
  ])
})

test('requeue --id takes all of a consumer’s key, and of a queue that message alone', async (t) => {
  const details = { correlationId: null, body: '{}', isCut: false }
  const { say, asked } = await supervised(t, {
    'dead-letter': ({ id }) => ({ ...(id === 'q-1' ? queued('q-1') : letter(String(id))), ...details }),
    'requeue-dead-letters': () => ({ letters: [handled('m-1')], left: 0 }),
  })
  await say('requeue', 'orders', '--id', 'm-2')
  await say('requeue', 'orders', '--id', 'q-1')
  assert.deepEqual(
    asked.map(({ by: _by, ...parameters }) => parameters),
    [
      { source: 'consumer:orders', topic: 'payments', key: 'a' },
      { source: 'queue:letters', ids: ['q-1'] },
    ],
  )
})

test('a key of several topics needs its topic, and a key without letters is no success', async (t) => {
  const { say, asked } = await supervised(t, {
    'dead-letters': () => ({
      sources: [{ source: 'consumer:orders', letters: [letter('m-1'), letter('m-2', { topic: 'stock' })], isMore: false }],
    }),
    'requeue-dead-letters': () => ({ letters: [handled('m-2')], left: 0 }),
  })
  const unclear = await say('requeue', 'orders', '--key', 'a')
  assert.equal(unclear.code, 2)
  assert.match(unclear.lines[0]!, /add --topic with one of payments, stock/)
  assert.equal((await say('requeue', 'orders', '--key', 'a', '--topic', 'stock')).code, 0)
  assert.equal(asked.length, 1)
  assert.deepEqual(await say('requeue', 'orders', '--key', 'z'), { code: 1, lines: ['orders has no such dead letters.'] })
})

test('show prints what is known, then the body; what is not there is said by the service', async (t) => {
  const { say } = await supervised(t, {
    'dead-letter': ({ id }) => (id === 'm-1' ? { ...letter('m-1'), correlationId: 'c-1', body: '{\n  "a": 1\n}', isCut: true } : undefined),
  })
  const { lines } = await say('show', 'orders', 'm-1')
  assert.match(
    lines.join('\n'),
    /payment\.charged, number 1 of key a on topic payments\n.*c-1\n.*10 times[^]*\n\n\{\n {2}"a": 1\n\}\n… \(cut\)/,
  )
  assert.deepEqual(await say('show', 'orders', 'm-9'), { code: 1, lines: ['There is no dead-letter.'] })
})
