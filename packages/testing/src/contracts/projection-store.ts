import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Database } from 'seaworthy/core'
import type { ProjectionStore } from 'seaworthy/projections'
import { withFresh } from './with-fresh.ts'

/** A projection store of the engine under test, empty, and the database it lives in. */
export interface ProjectionStoreUnderTest {
  readonly store: ProjectionStore
  readonly database: Database
  readonly dispose: () => Promise<void>
}

/**
 * What every `ProjectionStore` must do, as tests of node:test.
 * @param open makes a fresh store for each test
 */
export function projectionStoreContract(name: string, open: () => Promise<ProjectionStoreUnderTest>): void {
  const check = (sentence: string, body: (under: ProjectionStoreUnderTest) => Promise<void>): void => {
    void test(sentence, () => withFresh(open, body))
  }

  void suite(`projection store contract: ${name}`, () => {
    check('a projection without a checkpoint is at 0, and its versions are apart', async ({ store, database }) => {
      assert.equal(await store.checkpoint('p', 1), 0)
      assert.equal(await database.transaction((tx) => store.advance(tx, 'p', 1, { from: 0, to: 7 })), true)
      assert.deepEqual([await store.checkpoint('p', 1), await store.checkpoint('p', 2), await store.checkpoint('q', 1)], [7, 0, 0])
    })

    check('a checkpoint moves only from where it is', async ({ store, database }) => {
      const advance = (from: number, to: number) => database.transaction((tx) => store.advance(tx, 'p', 1, { from, to }))
      assert.equal(await advance(3, 9), false)
      assert.equal(await advance(0, 5), true)
      assert.equal(await advance(0, 9), false)
      assert.equal(await store.checkpoint('p', 1), 5)
      assert.equal(await advance(5, 0), true)
      assert.equal(await store.checkpoint('p', 1), 0)
      assert.equal(await advance(0, 2), true)
      assert.equal(await store.checkpoint('p', 1), 2)
    })

    check('a checkpoint goes with its transaction', async ({ store, database }) => {
      await assert.rejects(
        database.transaction(async (tx) => {
          await store.advance(tx, 'p', 1, { from: 0, to: 5 })
          assert.equal(await store.checkpoint('p', 1, tx), 5)
          assert.equal(await store.checkpoint('p', 1), 0)
          throw new Error('no')
        }),
      )
      assert.equal(await store.checkpoint('p', 1), 0)
    })

    check('of its versions one answers; whoever switches from another one changes nothing', async ({ store, database }) => {
      const makeLive = (from: number, to: number) => database.transaction((tx) => store.makeLive(tx, 'p', { from, to }))
      assert.deepEqual(await store.versions('p'), { live: 0, previous: 0 })
      assert.deepEqual([await makeLive(1, 2), await makeLive(0, 1), await makeLive(0, 3)], [false, true, false])
      assert.deepEqual(await store.versions('p'), { live: 1, previous: 0 })
      assert.deepEqual([await makeLive(1, 2), await makeLive(1, 3)], [true, false])
      assert.deepEqual([await store.versions('p'), await store.versions('q')], [{ live: 2, previous: 1 }, { live: 0, previous: 0 }]) // prettier-ignore
      await assert.rejects(
        database.transaction(async (tx) => {
          await store.makeLive(tx, 'p', { from: 2, to: 1 })
          assert.deepEqual(await store.versions('p', tx), { live: 1, previous: 2 })
          throw new Error('no')
        }),
      )
      assert.deepEqual(await store.versions('p'), { live: 2, previous: 1 })
    })

    check('a version that is forgotten begins at the first event again, and nobody goes back to it', async ({ store, database }) => {
      await database.transaction(async (tx) => {
        await store.makeLive(tx, 'p', { from: 0, to: 1 })
        await store.makeLive(tx, 'p', { from: 1, to: 2 })
        for (const version of [1, 2]) await store.advance(tx, 'p', version, { from: 0, to: 5 })
      })
      await database.transaction((tx) => store.forget(tx, 'p', 1))
      assert.deepEqual([await store.checkpoint('p', 1), await store.checkpoint('p', 2)], [0, 5])
      assert.deepEqual(await store.versions('p'), { live: 2, previous: 0 })
    })
  })
}
