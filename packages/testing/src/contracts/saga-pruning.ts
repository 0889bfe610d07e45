import assert from 'node:assert/strict'
import type { JournalEntry, SagaAdvance, SagaRecord } from 'seaworthy/saga'
import type { SagaStoreUnderTest } from './saga-store.ts'

/** What the checks of a saga store begin with. */
interface Given {
  readonly check: (sentence: string, body: (under: SagaStoreUnderTest) => Promise<void>) => void
  readonly start: (under: SagaStoreUnderTest, started: SagaRecord, owner?: string | null) => Promise<boolean>
  readonly advance: (under: SagaStoreUnderTest, id: string, change: Partial<SagaAdvance>) => Promise<boolean>
  /** At 70 ms. */
  readonly tell: (under: SagaStoreUnderTest, sagaId: string, slot: string, data: unknown) => Promise<unknown>
  readonly record: (id: string, fields: Partial<SagaRecord>) => SagaRecord
}

/** The part of the contract that is about what is not kept. */
export function sagaPruningChecks({ check, start, advance, tell, record }: Given): void {
  check('pruning takes from sagas that are over, by age and by count, all but their end and what people decided', async (under) => {
    const { store } = under
    const decided: JournalEntry = { step: 'a', kind: 'by-hand', action: 'skip', actor: 'ada', note: 'it is "done"', atMs: 2 }
    const lines: readonly JournalEntry[] = [
      { step: 'a', kind: 'started', attempt: 1, atMs: 1 },
      decided,
      { step: 'a', kind: 'done', result: { kind: 'by-hand', text: '"kind":"by-hand"' }, atMs: 2 },
    ]
    const statuses = ['completed', 'compensated', 'completed', 'running', 'parked', 'compensating', 'completed'] as const
    for (const [index, status] of statuses.entries()) {
      const context = { correlationId: 'c', actor: 'ada' }
      await under.database.transaction((tx) =>
        store.start(tx, record(`s${index}`, { status, updatedAtMs: index, input: { n: index }, context, reason: 'why' }), null, lines),
      )
      await tell(under, `s${index}`, 'x', 1)
    }
    const pruning = { overBeforeMs: 1, keepMax: 100, forgetBeforeMs: 0, nowMs: 500, max: 10 }
    assert.deepEqual(await store.prune(pruning), { pruned: 1, forgotten: 0 })
    assert.deepEqual(await store.load('s0'), {
      record: record('s0', { status: 'completed', updatedAtMs: 0, reason: 'why', context: { correlationId: 'c' } }),
      journal: [decided],
      token: 1,
      prunedAtMs: 500,
    })
    assert.equal((await store.told('s0')).size, 0)
    // Of three that are whole, the last one keeps it.
    assert.deepEqual(await store.prune({ ...pruning, overBeforeMs: 0, keepMax: 1 }), { pruned: 2, forgotten: 0 })
    assert.deepEqual(await store.prune({ ...pruning, overBeforeMs: 0, keepMax: 1 }), { pruned: 0, forgotten: 0 })
    const whole = await Promise.all(statuses.map(async (_, index) => (await store.load(`s${index}`))?.journal.length === 3))
    assert.deepEqual(whole, [false, false, false, true, true, true, true])
    assert.equal((await store.told('s3')).size, 1)
    const [listed] = await store.page({ state: 'compensated', nowMs: 500, max: 9 })
    assert.deepEqual([listed?.id, listed?.prunedAtMs], ['s1', 500])
    assert.equal(await start(under, record('s0', {})), false, 'its id is remembered')
  })

  check('who is under way or parked is never pruned, however old and many', async (under) => {
    const { store } = under
    for (const status of ['running', 'parked', 'compensating'] as const) await start(under, record(status, { status }), 'one')
    await advance(under, 'running', { rest: { wakeAtMs: 'never' } })
    const pruning = { overBeforeMs: 1e12, keepMax: 0, forgetBeforeMs: 1e12, nowMs: 2, max: 10 }
    assert.deepEqual(await store.prune(pruning), { pruned: 0, forgotten: 0 })
    for (const id of ['running', 'parked', 'compensating']) assert.equal((await store.load(id))?.prunedAtMs, undefined)
  })

  check('a child keeps what it has as long as its parent is not over', async (under) => {
    const { store } = under
    await start(under, record('p', { updatedAtMs: 9 }))
    await start(under, record('p/c', { status: 'completed', parent: { sagaId: 'p', step: 'c' } }))
    await start(under, record('q/c', { status: 'completed', parent: { sagaId: 'q', step: 'c' } }))
    const pruning = { overBeforeMs: 5, keepMax: 100, forgetBeforeMs: 5, nowMs: 10, max: 10 }
    assert.deepEqual(await store.prune(pruning), { pruned: 1, forgotten: 0 })
    assert.equal((await store.load('p/c'))?.prunedAtMs, undefined)
    await advance(under, 'p', { to: 'completed' })
    assert.deepEqual(await store.prune(pruning), { pruned: 1, forgotten: 1 })
    assert.deepEqual([(await store.load('p/c'))?.prunedAtMs, await store.load('q/c')], [10, undefined])
  })

  check('an id is forgotten after its time, with what was told in vain; a part at a time, the oldest first', async (under) => {
    const { store } = under
    for (const index of [0, 1, 2]) await start(under, record(`s${index}`, { status: 'completed', updatedAtMs: index }))
    await tell(under, 'never', 'x', 1)
    await tell(under, 's2', 'x', 1)
    const pruning = { overBeforeMs: 100, keepMax: 100, forgetBeforeMs: 2, nowMs: 10, max: 2 }
    assert.deepEqual(await store.prune(pruning), { pruned: 2, forgotten: 0 })
    assert.deepEqual(await store.prune(pruning), { pruned: 1, forgotten: 2 })
    assert.deepEqual([await store.load('s0'), await store.load('s1')], [undefined, undefined])
    assert.equal(await start(under, record('s2', {})), false)
    assert.equal((await store.told('never')).size, 1, 'it is not old enough')
    await tell(under, 's2', 'y', 1)
    assert.deepEqual(await store.prune({ ...pruning, forgetBeforeMs: 71 }), { pruned: 0, forgotten: 1 })
    assert.deepEqual([(await store.told('never')).size, (await store.told('s2')).size], [0, 0])
    assert.equal(await start(under, record('s0', {})), true)
  })

  check('of many who prune at one time each saga is pruned by one', async (under) => {
    const { store } = under
    for (let index = 0; index < 12; index++) await start(under, record(`s${index}`, { status: 'completed', updatedAtMs: index }))
    const pruning = { overBeforeMs: 100, keepMax: 100, forgetBeforeMs: 0, nowMs: 10, max: 4 }
    const done = await Promise.all(Array.from({ length: 4 }, () => store.prune(pruning)))
    const last = await store.prune({ ...pruning, max: 100 })
    assert.equal(
      [...done, last].reduce((sum, { pruned }) => sum + pruned, 0),
      12,
    )
  })
}
