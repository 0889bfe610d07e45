import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Database, ConflictError, NotFoundError } from 'seaworthy/core'
import {
  type EventStore,
  type ExpectedVersion,
  type NewStoredEvent,
  StreamArchivedError,
  WrongExpectedVersionError,
} from 'seaworthy/event-sourcing'
import { withFresh } from './with-fresh.ts'

/** An event store of the engine under test, empty, and the database it lives in. */
export interface EventStoreUnderTest {
  readonly store: EventStore
  readonly database: Database
  readonly dispose: () => Promise<void>
  /** How one append is made that is a transaction by itself: `appendAlone`, for a store that has it. Default: by `database.transaction`. */
  readonly append?: (stream: string, events: readonly NewStoredEvent[], expected: ExpectedVersion) => Promise<number>
}

/**
 * What every `EventStore` must do, as tests of node:test.
 * @param open makes a fresh store for each test
 */
export function eventStoreContract(name: string, open: () => Promise<EventStoreUnderTest>): void {
  const check = (sentence: string, body: (under: EventStoreUnderTest) => Promise<void>): void => {
    void test(sentence, () => withFresh(open, body))
  }
  const append = (under: EventStoreUnderTest, stream: string, ids: readonly string[], expected: ExpectedVersion): Promise<number> => {
    const { database, store } = under
    const events = ids.map(event)
    return under.append?.(stream, events, expected) ?? database.transaction((tx) => store.append(tx, stream, events, expected))
  }

  void suite(`event store contract: ${name}`, () => {
    check('versions of a stream begin at 1 and have no gap', async (under) => {
      assert.equal(await append(under, 'a', ['1', '2'], 'no-stream'), 2)
      assert.equal(await append(under, 'b', ['3'], 'no-stream'), 1)
      assert.equal(await append(under, 'a', ['4'], 2), 3)
      assert.deepEqual(
        (await under.store.read('a')).map(({ version, id }) => [version, id]),
        [
          [1, '1'],
          [2, '2'],
          [3, '4'],
        ],
      )
    })

    check('an event comes back as it was stored', async (under) => {
      const stored: NewStoredEvent = {
        id: 'é/0',
        type: 'opened',
        schemaVersion: 3,
        data: { text: 'a "b" \u0000 \u2028 ✓', nested: { list: [1, null, true] } },
        context: { correlationId: 'c', causationId: 'd', actor: 'e' },
      }
      await under.database.transaction((tx) => under.store.append(tx, 'a', [stored], 'any'))
      const [event] = await under.store.read('a')
      const { stream, version, position, recordedAtMs, ...rest } = event!
      assert.deepEqual(rest, stored)
      assert.deepEqual({ stream, version }, { stream: 'a', version: 1 })
      assert.ok(position > 0 && recordedAtMs > 0)
      assert.deepEqual(await under.store.find('a', 'é/0'), event)
      assert.equal(await under.store.find('b', 'é/0'), undefined)
    })

    check('an append onto another version than expected is refused with both, and stores nothing', async (under) => {
      await append(under, 'a', ['1'], 'no-stream')
      const cases = [
        ['a', 'no-stream', 1],
        ['a', 2, 1],
        ['a', 0, 1],
        ['absent', 1, 0],
      ] as const
      for (const [stream, expected, actual] of cases) {
        await assert.rejects(append(under, stream, ['x'], expected), (error) => {
          assert.ok(error instanceof WrongExpectedVersionError)
          assert.deepEqual([error.stream, error.expected, error.actual, error.executed], [stream, expected, actual, 'no'])
          return true
        })
      }
      assert.equal((await under.store.readAll({ after: 0, max: 10 })).length, 1)
    })

    check('"any" appends to whatever is there', async (under) => {
      assert.equal(await append(under, 'a', ['1'], 'any'), 1)
      assert.equal(await append(under, 'a', ['2'], 'any'), 2)
    })

    check('appending nothing tells the version, and still checks the expected one', async (under) => {
      await append(under, 'a', ['1'], 'any')
      assert.equal(await append(under, 'a', [], 1), 1)
      await assert.rejects(append(under, 'a', [], 'no-stream'), WrongExpectedVersionError)
    })

    check('events that the stream holds are not stored again, and the answer is as it was the first time', async (under) => {
      await append(under, 'a', ['1', '2'], 'no-stream')
      await append(under, 'a', ['3'], 2)
      assert.equal(await append(under, 'a', ['1', '2'], 'no-stream'), 2)
      assert.equal(await append(under, 'a', ['2', '1'], 77), 2)
      assert.equal((await under.store.read('a')).length, 3)
    })

    check('events of which the stream holds some are refused', async (under) => {
      await append(under, 'a', ['1'], 'no-stream')
      await assert.rejects(append(under, 'a', ['1', '2'], 1), (error) => error instanceof ConflictError && error.executed === 'no')
      assert.equal((await under.store.read('a')).length, 1)
    })

    check('one id in two streams is two events', async (under) => {
      await append(under, 'a', ['1'], 'no-stream')
      assert.equal(await append(under, 'b', ['1'], 'no-stream'), 1)
    })

    check('several streams in one transaction are stored together or not at all', async (under) => {
      const { database, store } = under
      await assert.rejects(
        database.transaction(async (tx) => {
          await store.append(tx, 'a', [event('1')], 'no-stream')
          await store.append(tx, 'b', [event('2')], 7)
        }),
        WrongExpectedVersionError,
      )
      assert.deepEqual(await store.readAll({ after: 0, max: 10 }), [])
      assert.equal(await append(under, 'a', ['1'], 'no-stream'), 1)
    })

    check('a transaction reads its own appends, and nobody else does before it commits', async ({ database, store }) => {
      await database.transaction(async (tx) => {
        await store.append(tx, 'a', [event('1')], 'no-stream')
        assert.equal((await store.read('a', { tx })).length, 1)
        assert.equal((await store.find('a', '1', tx))?.version, 1)
        assert.equal((await store.read('a')).length, 0)
        assert.equal((await store.readAll({ after: 0, max: 10 })).length, 0)
        assert.equal(await store.head(), 0)
      })
      assert.equal((await store.read('a')).length, 1)
    })

    check('a stream is read in pages', async (under) => {
      await append(under, 'a', ['1', '2', '3', '4', '5'], 'no-stream')
      const page = async (after: number) => (await under.store.read('a', { after, max: 2 })).map(({ version }) => version)
      assert.deepEqual([await page(0), await page(2), await page(4), await page(5)], [[1, 2], [3, 4], [5], []])
    })

    check('a stream is read backwards from its end, or from before a version', async (under) => {
      await append(under, 'a', ['1', '2', '3', '4'], 'no-stream')
      const versions = async (options: { before?: number; max?: number }) =>
        (await under.store.readBackwards('a', options)).map(({ version }) => version)
      assert.deepEqual(await versions({}), [4, 3, 2, 1])
      assert.deepEqual(
        [await versions({ before: 4, max: 2 }), await versions({ before: 2 }), await versions({ before: 1 })],
        [[3, 2], [1], []],
      )
      await under.database.transaction(async (tx) => {
        await under.store.append(tx, 'a', [event('5')], 4)
        assert.equal((await under.store.readBackwards('a', { max: 1, tx }))[0]?.id, '5')
        assert.equal((await under.store.readBackwards('a', { max: 1 }))[0]?.id, '4')
      })
    })

    check('an archived stream takes no appends, whatever is expected, until it is restored', async (under) => {
      const { store, database } = under
      await append(under, 'a', ['1', '2'], 'no-stream')
      await database.transaction((tx) => store.archive(tx, 'a'))
      const archivedAtMs = await store.archivedAtMs('a')
      assert.ok(archivedAtMs !== undefined && archivedAtMs > 0)
      for (const expected of [2, 'any', 'no-stream', 7] as const) {
        await assert.rejects(append(under, 'a', ['3'], expected), (error) => {
          assert.ok(error instanceof StreamArchivedError, String(error))
          assert.deepEqual([error.stream, error.archivedAtMs, error.executed, error.final], ['a', archivedAtMs, 'no', true])
          return true
        })
      }
      await database.transaction((tx) => store.archive(tx, 'a'))
      assert.equal(await store.archivedAtMs('a'), archivedAtMs)
      await database.transaction((tx) => store.restore(tx, 'a'))
      assert.equal(await store.archivedAtMs('a'), undefined)
      assert.equal(await append(under, 'a', ['3'], 2), 3)
    })

    check('an archived stream is read as before, and left out when all streams are', async (under) => {
      const { store, database } = under
      await append(under, 'a', ['a1'], 'no-stream')
      await append(under, 'b', ['b1'], 'no-stream')
      await append(under, 'a', ['a2', 'a3', 'a4'], 1)
      await append(under, 'c', ['c1'], 'no-stream')
      await append(under, 'a', ['a5'], 4)
      const all = async (max: number) => {
        const ids: string[] = []
        for (let after = 0; ;) {
          const page = await store.readAll({ after, max })
          if (page.length === 0) return ids
          ids.push(...page.map(({ id }) => id))
          after = page.at(-1)!.position
        }
      }
      await database.transaction((tx) => store.archive(tx, 'a'))
      // Pages smaller than the run of archived events.
      for (const max of [1, 2, 10]) assert.deepEqual(await all(max), ['b1', 'c1'])
      assert.equal(await store.head(), (await store.readAll({ after: 0, max: 10 })).at(-1)!.position)
      assert.deepEqual(
        (await store.readAll({ after: 0, max: 10, archived: true })).map(({ id }) => id),
        ['a1', 'b1', 'a2', 'a3', 'a4', 'c1', 'a5'],
      )
      assert.equal((await store.read('a')).length, 5)
      assert.equal((await store.readBackwards('a', { max: 1 }))[0]?.id, 'a5')
      await database.transaction((tx) => store.restore(tx, 'a'))
      assert.deepEqual(await all(2), ['a1', 'b1', 'a2', 'a3', 'a4', 'c1', 'a5'])
    })

    check('archiving takes effect with its transaction, and only on a stream that exists', async (under) => {
      const { store, database } = under
      await append(under, 'a', ['1'], 'no-stream')
      await assert.rejects(
        database.transaction((tx) => store.archive(tx, 'absent')),
        NotFoundError,
      )
      await assert.rejects(
        database.transaction(async (tx) => {
          await store.archive(tx, 'a')
          assert.ok((await store.archivedAtMs('a', tx)) !== undefined)
          assert.equal(await store.archivedAtMs('a'), undefined)
          throw new Error('no')
        }),
        /^Error: no$/,
      )
      assert.equal(await append(under, 'a', ['2'], 1), 2)
      await database.transaction((tx) => store.restore(tx, 'absent'))
    })

    check('all streams are read in one order, each in its own, none twice', async (under) => {
      for (let round = 1; round <= 4; round++) {
        for (const stream of ['a', 'b', 'c']) await append(under, stream, [`${stream}${round}`], round - 1)
      }
      const seen: string[] = []
      let after = 0
      for (;;) {
        const page = await under.store.readAll({ after, max: 5 })
        if (page.length === 0) break
        seen.push(...page.map(({ id }) => id))
        assert.ok(page.every(({ position }, index) => position > (page[index - 1]?.position ?? after)))
        after = page.at(-1)!.position
      }
      assert.equal(after, await under.store.head())
      assert.equal(seen.length, 12)
      for (const stream of ['a', 'b', 'c']) {
        assert.deepEqual(
          seen.filter((id) => id.startsWith(stream)),
          [1, 2, 3, 4].map((round) => `${stream}${round}`),
        )
      }
    })

    check('of writers that expect one version, one gets through', async (under) => {
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => append(under, 'a', [`${index}`], 'no-stream')))
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      assert.equal((await under.store.read('a')).length, 1)
    })

    check('a stream has one snapshot, the last that was saved, and none of a transaction that rolled back', async ({ database, store }) => {
      assert.equal(await store.loadSnapshot('a'), undefined)
      const first = { stream: 'a', version: 3, schemaVersion: 1, state: { sum: 3 }, takenAtMs: 1_000 }
      await database.transaction((tx) => store.saveSnapshot(tx, first))
      assert.deepEqual(await store.loadSnapshot('a'), first)
      const second = { stream: 'a', version: 5, schemaVersion: 2, state: { sum: 5 }, takenAtMs: 2_000 }
      await database.transaction(async (tx) => {
        await store.saveSnapshot(tx, second)
        assert.deepEqual(await store.loadSnapshot('a', tx), second)
      })
      await assert.rejects(
        database.transaction(async (tx) => {
          await store.saveSnapshot(tx, { ...second, version: 9 })
          throw new Error('no')
        }),
      )
      assert.deepEqual(await store.loadSnapshot('a'), second)
    })

    check('listeners are called after a commit that appended, and not after a rollback', async (under) => {
      const { store, database } = under
      let rings = 0
      const stop = store.onAppended(() => rings++)
      await assert.rejects(
        database.transaction(async (tx) => {
          await store.append(tx, 'a', [event('1')], 'any')
          assert.equal(rings, 0)
          throw new Error('no')
        }),
      )
      assert.equal(rings, 0)
      await append(under, 'a', ['1'], 'any')
      assert.equal(rings, 1)
      await append(under, 'a', ['1'], 'any')
      stop()
      await append(under, 'a', ['2'], 'any')
      assert.equal(rings, 1)
    })
  })
}

function event(id: string): NewStoredEvent {
  return { id, type: 'happened', schemaVersion: 1, data: { id }, context: { correlationId: 'c' } }
}
