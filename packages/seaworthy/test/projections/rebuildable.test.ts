import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, inMemoryDatabase, inMemoryEventStore, inMemoryReadStore } from '@seaworthy/testing'
import { ConflictError } from 'seaworthy/core'
import {
  type RebuildableOptions,
  type RunningDocumentProjection,
  SwitchBlockedError,
  documentProjection,
  startRebuildable,
} from 'seaworthy/projections'

/** Sums of what was counted, by a function that can be mended and spoilt. */
function stage(extra: Partial<RebuildableOptions> = {}) {
  const [database, source, store] = [inMemoryDatabase(), inMemoryEventStore(), inMemoryReadStore()]
  const code = { worth: () => 1 }
  let events = 0
  const shown: RunningDocumentProjection[] = []
  return {
    code,
    store,
    /** What is built, as whoever shows it is told. */
    shown: () => shown.map(({ version }) => version).toSorted((one, other) => one - other),
    count: (stream: string, n: number) =>
      database.transaction((tx) =>
        source.append(
          tx,
          stream,
          [{ id: `e-${++events}`, type: 'counted', schemaVersion: 1, data: { n }, context: { correlationId: 'c' } }],
          'any',
        ),
      ),
    sumOf: async (key: string) => ((await store.find('sums', key)).document?.document as { sum: number } | undefined)?.sum,
    start: () =>
      startRebuildable({
        source,
        store,
        declare: (version) =>
          documentProjection<{ sum: number }, { counted: { n: number } }>({
            name: 'sums',
            version,
            on: { counted: (sum, { data: { n } }) => ({ sum: (sum?.sum ?? 0) + n * code.worth() }) },
          }),
        onStarted(running) {
          shown.push(running)
          return () => void shown.splice(shown.indexOf(running), 1)
        },
        ...extra,
      }),
  }
}

const caughtUp = (running: Awaited<ReturnType<ReturnType<typeof stage>['start']>>) =>
  eventually('all versions have caught up', async () => {
    const lags = await Promise.all((await running.versions()).running.map((one) => one.lag()))
    return lags.every(({ positions }) => positions === 0)
  })

test('a read model is built again beside the one that answers, and takes its place with what the mended code makes of the past', async () => {
  const { code, count, sumOf, shown, start } = stage()
  await count('a', 2)
  await count('b', 5)
  let running = await start()
  await caughtUp(running)
  code.worth = () => 10
  // Mended code does not mend what is stored.
  await count('b', 1)
  await caughtUp(running)
  assert.deepEqual([await sumOf('a'), await sumOf('b')], [2, 15])

  assert.deepEqual(await running.rebuild(), { from: 1, to: 2, compared: 2, differing: 2 })
  assert.deepEqual([await sumOf('a'), await sumOf('b')], [20, 60])
  // The old one is built on, so that it can answer again.
  await count('a', 1)
  await caughtUp(running)
  assert.deepEqual(await running.goBack(), { from: 2, to: 1 })
  assert.deepEqual([await sumOf('a'), await sumOf('b')], [12, 15])
  await running.stop()
  assert.deepEqual(shown(), [])

  running = await start()
  assert.deepEqual(shown(), [1, 2], 'whoever starts anew builds the one that answers and the one to go back to')
  assert.deepEqual(await running.rebuild(), { from: 1, to: 3, compared: 2, differing: 2 })
  const { live, previous } = await running.versions()
  assert.deepEqual([live, previous, shown()], [3, 1, [1, 3]], 'the one that nobody can go back to is gone')
  assert.deepEqual([await sumOf('a'), await sumOf('b')], [30, 60])
  await running.stop()
})

test('what is not made of events alone does not take the place of the one that answers', async () => {
  let spoilt = 1
  const { code, count, sumOf, shown, start } = stage()
  await count('a', 2)
  const running = await start()
  await caughtUp(running)
  code.worth = () => spoilt++
  await assert.rejects(running.rebuild(), SwitchBlockedError)
  assert.deepEqual([await sumOf('a'), shown()], [2, [1]])
  assert.deepEqual(await running.versions().then(({ live, previous }) => [live, previous]), [1, 0])
  code.worth = () => 1
  assert.equal((await running.rebuild()).to, 2)
  await running.stop()
})

test('one rebuild at a time, none of nothing, and one that is given up is begun anew by the next', async () => {
  const { count, store, start, shown } = stage()
  const empty = await start()
  await empty.stop()
  const { store: none, start: startNone } = stage({ store: { ...inMemoryReadStore(), versions: async () => ({ live: 0, previous: 0 }) } })
  assert.ok(none)
  const nothing = await startNone()
  await assert.rejects(nothing.rebuild(), ConflictError)
  await nothing.stop()

  await count('a', 2)
  const running = await start()
  await caughtUp(running)
  const first = running.rebuild()
  await assert.rejects(running.rebuild(), ConflictError)
  await first
  // As a process leaves it that died in the middle of building version 3, with other code.
  await store.write({ projection: 'sums', version: 3 }, { checkpoint: '0/1', from: 0, to: 1, changes: [] })
  assert.deepEqual(await running.rebuild(), { from: 2, to: 3, compared: 1, differing: 0 })
  assert.deepEqual(shown(), [2, 3])
  await running.stop()
})
