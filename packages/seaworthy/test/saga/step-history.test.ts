import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RejectedError, UnavailableError, constant } from 'seaworthy/core'
import { type JournalEntry, type StepHistory, type StoredSaga, saga, sagaChoices, sagaOutline, stepHistories } from 'seaworthy/saga'
import { nothing, world } from './saga-world.ts'

const line = ({ step, state, attempts }: StepHistory) =>
  `${step} ${state}: ${attempts
    .map(({ what, number, outcome, isByHand }) => `${what} ${number} ${outcome}${isByHand === true ? ' by hand' : ''}`)
    .join(', ')}`

const policy = { backoff: constant(10), giveUpAfterMs: 1_000 }

void suite('the history of steps', () => {
  test('has each attempt with its end, and each compensation', async () => {
    let asked = 0
    const chain = saga<null>('s', { version: 1 })
      .step('a', {
        run: async () => {
          if (++asked < 3) throw new UnavailableError('not now')
          return { id: asked }
        },
        compensate: nothing,
        policy,
      })
      .step('b', { run: () => Promise.reject(new RejectedError('card-declined', 'no')), compensate: nothing })
    const { start, settle, store } = world([chain])
    await start(chain, '1', null)
    await settle('1')
    const steps = stepHistories((await store.load('1'))!.journal)
    assert.deepEqual(steps.map(line), [
      'a undone: action 1 failed, action 2 failed, action 3 done, compensation 1 done',
      'b failed: action 1 failed',
    ])
    assert.deepEqual(steps[0]?.result, { id: 3 })
    assert.match(steps[1]!.attempts[0]!.error!, /^card-declined: no/)
    assert.ok(steps[0]?.attempts.every(({ startedAtMs, endedAtMs }) => endedAtMs! >= startedAtMs))
  })

  test('calls an attempt unknown that another followed without a line about its end', () => {
    const journal: readonly JournalEntry[] = [
      { step: 'a', kind: 'started', attempt: 1, atMs: 1 },
      { step: 'a', kind: 'started', attempt: 2, atMs: 5 },
      { step: 'a', kind: 'failed', executed: 'maybe', error: 'timeout', atMs: 6 },
      { step: 'b', kind: 'waiting', untilMs: 'never', atMs: 7 },
      { step: 'c', kind: 'started', attempt: 1, atMs: 8 },
      { step: 'c', kind: 'compensation-started', attempt: 1, atMs: 9 },
      { step: 'c', kind: 'compensation-failed', error: 'no', atMs: 10 },
    ]
    assert.deepEqual(stepHistories(journal).map(line), [
      'a unknown: action 1 unknown, action 2 failed',
      'b waiting: wait 1 open',
      'c undo-failed: action 1 unknown, compensation 1 failed',
    ])
    assert.equal(stepHistories(journal)[0]!.attempts[0]!.endedAtMs, undefined)
  })

  test('tells what a person took as done from what was done', () => {
    const journal: readonly JournalEntry[] = [
      { step: 'a', kind: 'started', attempt: 1, atMs: 1 },
      { step: 'a', kind: 'failed', executed: 'no', error: 'no', atMs: 2 },
      { step: '', kind: 'by-hand', action: 'retry', actor: 'ada', note: '', atMs: 3 },
      { step: 'a', kind: 'by-hand', action: 'skip', actor: 'ada', note: '', atMs: 3 },
      { step: 'a', kind: 'done', result: 1, atMs: 3 },
    ]
    assert.deepEqual(stepHistories(journal).map(line), ['a done: action 1 failed, decision 1 done by hand'])
  })
})

void suite('what a person may decide', () => {
  const chain = saga<null>('s', { version: 1 })
    .step('a', { run: nothing, compensate: () => Promise.reject(new RejectedError('no', 'no')) })
    .pivot('b', { run: nothing })
    .step('c', { run: () => Promise.reject(new RejectedError('no', 'no')), forward: true })

  const stored = (status: StoredSaga['record']['status'], ...journal: JournalEntry[]): StoredSaga => ({
    record: {
      id: '1',
      saga: 's',
      version: 1,
      status,
      input: null,
      context: { correlationId: 'c' },
      reason: undefined,
      startedAtMs: 0,
      updatedAtMs: 0,
    },
    journal,
    token: 1,
  })
  const done = (step: string): JournalEntry => ({ step, kind: 'done', result: null, atMs: 1 })

  test('is to turn back before the pivot, and not after it', () => {
    assert.deepEqual(sagaChoices(chain, stored('running')), { retry: false, skip: [], abort: true })
    assert.deepEqual(sagaChoices(chain, stored('running', done('a'), { step: 'b', kind: 'started', attempt: 1, atMs: 1 })), {
      retry: false,
      skip: [],
      abort: false,
    })
  })

  test('is to try again or to skip what a saga was parked for, on either way', () => {
    assert.deepEqual(sagaChoices(chain, stored('parked', done('a'), done('b'))), { retry: true, skip: ['c'], abort: false })
    const undoing: JournalEntry = { step: 'a', kind: 'compensation-started', attempt: 1, atMs: 1 }
    assert.deepEqual(sagaChoices(chain, stored('parked', done('a'), undoing)), { retry: true, skip: ['a'], abort: false })
  })

  test('is nothing for one that is over, that turns back, or that the code does not fit', () => {
    const none = { retry: false, skip: [], abort: false }
    for (const status of ['completed', 'compensated', 'compensating'] as const) assert.deepEqual(sagaChoices(chain, stored(status)), none)
    assert.deepEqual(sagaChoices(undefined, stored('parked')), none)
    assert.deepEqual(sagaChoices(chain, stored('parked', done('x'))), none)
  })

  test('is what the orchestrator then does', async () => {
    const { start, settle, store, running } = world([chain])
    await start(chain, '1', null)
    assert.equal((await settle('1')).status, 'parked')
    const { skip } = sagaChoices(chain, (await store.load('1'))!)
    assert.deepEqual(skip, ['c'])
    await running.skip('1', { step: skip[0]! }, { actor: 'ada', note: 'seen to' })
    assert.equal((await settle('1')).status, 'completed')
    await assert.rejects(running.abort('1', { actor: 'ada', note: '' }), RejectedError)
  })
})

test('an outline is the declaration without its functions', () => {
  const inner = saga<null>('inner', { version: 2 })
  const chain = saga<{ items: number[] }>('s', { version: 1 })
    .parallel('both', {
      left: (branch) => branch.step('l', { run: nothing, compensate: nothing }),
      right: (branch) => branch.step('r', { run: nothing, compensation: 'not-needed' }),
    })
    .forEach('lines', { items: (s) => s.input.items }, (each) => each.step('e', { run: nothing, compensate: nothing }))
    .child('sub', { saga: inner, input: () => null, compensation: 'not-needed' })
    .pivot('p', { run: nothing })
  const outline = sagaOutline(chain)
  assert.deepEqual(JSON.parse(JSON.stringify(outline)), outline)
  assert.deepEqual(
    outline.map(({ kind, name, isUndone, of }) => [kind, name, isUndone, of]),
    [
      ['parallel', 'both', false, undefined],
      ['for-each', 'lines', false, undefined],
      ['child', 'sub', false, 'inner 2'],
      ['pivot', 'p', false, undefined],
    ],
  )
  assert.deepEqual(
    outline[0]?.lines?.map(({ name, steps }) => [name, steps.map((step) => [step.name, step.isUndone])]),
    [
      ['left', [['l', true]]],
      ['right', [['r', false]]],
    ],
  )
})
