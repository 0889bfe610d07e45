import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SagaDetails, SagaList } from '@seaworthy/supervisor/management'
import { type Answers, supervised } from '../supervised.ts'

const counts = { running: 1, waiting: 0, compensating: 0, parked: 2, completed: 10_000, compensated: 3 }
const summary = (id: string, more: object = {}) => ({
  id,
  saga: 'checkout',
  version: 1,
  status: 'parked' as const,
  state: 'parked' as const,
  reason: 'on-strike',
  startedAtMs: 0,
  updatedAtMs: 1_000,
  correlationId: 'c-1',
  ...more,
})
const listOf = (isMore: boolean, ...ids: string[]): SagaList => ({
  sagas: ids.map((id) => summary(id)),
  isMore,
  counts,
  countMax: 10_000,
  definitions: [{ name: 'checkout', version: 1 }],
})
const details: SagaDetails = {
  id: 'order-1',
  saga: 'checkout',
  version: 1,
  status: 'parked',
  reason: 'on-strike',
  startedAtMs: 1_000,
  updatedAtMs: 1_100,
  parent: null,
  prunedAtMs: null,
  correlationId: 'c-1',
  traceId: 'ab'.repeat(16),
  input: '{\n  "card": "[redacted]"\n}',
  isInputCut: false,
  outline: [],
  steps: [
    {
      step: 'charge',
      state: 'unknown',
      attempts: [
        {
          what: 'action',
          number: 1,
          startedAtMs: 1_010,
          endedAtMs: 1_060,
          outcome: 'failed',
          executed: 'maybe',
          error: 'timeout: no\u001B[31m answer',
        },
      ],
      result: null,
    },
  ],
  isMore: false,
  decisions: [{ action: 'retry', step: '', actor: 'ada (console)', note: 'the bank is back', atMs: 1_090 }],
  choices: { retry: true, skip: ['charge'], abort: true },
}

async function desk(t: Parameters<typeof supervised>[0], answers: Answers) {
  const { run, asked } = await supervised(t, answers)
  return { asked, say: (...args: string[]) => run('saga', ...args) }
}

test('list shows each state’s number and every page up to the number that was asked for', async (t) => {
  const { say } = await desk(t, { sagas: ({ before }) => (before === undefined ? listOf(true, 'a', 'b') : listOf(false, 'c', 'd')) })
  const { code, lines } = await say('list', 'orders', '--state', 'parked')
  assert.equal(code, 0)
  assert.equal(lines[0], '1 running, 0 waiting, 0 compensating, 2 parked, 10000+ completed, 3 compensated')
  assert.match(lines[1]!, /^ID +SAGA +STATE/)
  assert.deepEqual(
    lines.slice(2).map((line) => line.split(/ {2,}/).slice(0, 4).join(' | ')),
    ['a', 'b', 'c', 'd'].map((id) => `${id} | checkout 1 | parked | on-strike`),
  )
  assert.equal((await say('list', 'orders', '--max', '3')).lines.length, 5)
  const json = JSON.parse((await say('list', 'orders', '--json')).lines.join('\n')) as SagaList
  assert.deepEqual([json.sagas.length, json.counts], [4, counts])
  assert.equal((await say('list', 'orders', '--state', 'dead')).code, 2)
  assert.equal((await say('list', 'orders', '--max', '0')).code, 2)
})

test('show has every attempt with its outcome and error, and what people decided; no text of a message can write to the terminal', async (t) => {
  const more = { ...details, isMore: true }
  const { say } = await desk(t, {
    saga: ({ after }) => (after === 0 ? more : { ...details, steps: [{ ...details.steps[0]!, step: 'send' }] }),
  })
  const { code, lines } = await say('show', 'orders', 'order-1')
  assert.equal(code, 0)
  const text = lines.join('\n')
  assert.match(text, /status +parked: on-strike\n/)
  assert.match(text, /possible +retry, skip "charge", abort\n/)
  assert.match(text, /\+10 ms +charge +action 1 +failed, executed: maybe +50 ms +timeout: no\u{fffd}\[31m answer\n\+10 ms +send/u)
  assert.match(text, /ada \(console\) +retry +the bank is back/)
  assert.match(text, /"card": "\[redacted\]"/)
  assert.equal((JSON.parse((await say('show', 'orders', 'order-1', '--json')).lines.join('\n')) as SagaDetails).steps.length, 2)
})

test('retry, skip and abort say who asks and why, and what the saga is then', async (t) => {
  const { say, asked } = await desk(t, { 'change-saga': ({ id }) => ({ id: String(id), status: 'running' }) })
  assert.deepEqual(await say('retry', 'orders', 'order-1', '--note', 'the bank is back'), { code: 0, lines: ['order-1 is running now.'] })
  await say('skip', 'orders', 'order-1', '--step', 'charge', '--result', '{"n":1}', '--note', 'paid by hand')
  await say('abort', 'orders', 'order-1', '--note', 'the customer left')
  assert.deepEqual(
    asked.map(({ by: _by, ...parameters }) => parameters),
    [
      { id: 'order-1', note: 'the bank is back', action: 'retry' },
      { id: 'order-1', note: 'paid by hand', action: 'skip', step: 'charge', result: { n: 1 } },
      { id: 'order-1', note: 'the customer left', action: 'abort' },
    ],
  )
  for (const { by } of asked) assert.match(String(by), /\(command line\)$/)
  for (const wrong of [
    ['retry', 'orders', 'order-1'],
    ['retry', 'orders', 'order-1', '--note', ' '],
    ['skip', 'orders', 'order-1', '--note', 'x'],
    ['skip', 'orders', 'order-1', '--step', 'a', '--result', '{', '--note', 'x'],
    ['abort', 'orders'],
  ])
    assert.equal((await say(...wrong)).code, 2, wrong.join(' '))
  assert.equal(asked.length, 3)
})

test('what is refused is said, and is no success', async (t) => {
  const { say } = await desk(t, {})
  assert.deepEqual(await say('retry', 'orders', 'order-1', '--note', 'x'), { code: 1, lines: ['There is no change-saga.'] })
})
