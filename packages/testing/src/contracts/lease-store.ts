import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Database, LeaseStore } from 'seaworthy/core'

/** A lease store of the engine under test, empty, and the database it lives in. */
export interface LeaseStoreUnderTest {
  readonly store: LeaseStore
  readonly database: Database
  /** Waits until `ms` have passed on the database's clock, which stands still otherwise. */
  readonly pass: (ms: number) => Promise<void>
  readonly dispose: () => Promise<void>
}

const TTL_MS = 1_000

/**
 * What every `LeaseStore` must do, as tests of node:test.
 * @param open makes a fresh store for each test
 */
export function leaseStoreContract(name: string, open: () => Promise<LeaseStoreUnderTest>): void {
  const check = (sentence: string, body: (under: LeaseStoreUnderTest) => Promise<void>): void => {
    void test(sentence, async () => {
      const under = await open()
      try {
        await body(under)
      } finally {
        await under.dispose()
      }
    })
  }
  const take = async (store: LeaseStore, names: readonly string[], holder: string) =>
    (await store.acquire(names, holder, TTL_MS)).map((lease) => lease.name).toSorted()

  void suite(`lease store contract: ${name}`, () => {
    check('a name has one holder, and others get it when its lease ends', async ({ store, pass }) => {
      assert.deepEqual(await take(store, ['a', 'b'], 'one'), ['a', 'b'])
      assert.deepEqual(await take(store, ['a', 'c'], 'two'), ['c'])
      await pass(TTL_MS - 1)
      assert.deepEqual(await take(store, ['a'], 'two'), [])
      await pass(1)
      assert.deepEqual(await take(store, ['a', 'b'], 'two'), ['a', 'b'])
      assert.deepEqual(await take(store, ['a', 'b'], 'one'), [])
    })

    check('an extended lease is the same one; a lease of its own that ended is a new one', async ({ store, pass }) => {
      const [first] = await store.acquire(['a'], 'one', TTL_MS)
      await pass(TTL_MS - 1)
      const [extended] = await store.acquire(['a'], 'one', TTL_MS)
      assert.deepEqual(extended, first)
      await pass(TTL_MS - 1)
      assert.deepEqual(await take(store, ['a'], 'two'), [])
      await pass(1)
      const [late] = await store.acquire(['a'], 'one', TTL_MS)
      assert.ok(late!.token > first!.token)
    })

    check('tokens grow with every change of hands, also when the name was free in between', async ({ store }) => {
      const tokens: number[] = []
      for (const holder of ['one', 'two', 'one']) {
        const leases = await store.acquire(['a'], holder, TTL_MS)
        tokens.push(leases[0]!.token)
        await store.release(leases)
      }
      assert.ok(tokens[0]! < tokens[1]! && tokens[1]! < tokens[2]!, tokens.join())
    })

    check('a released name is free; a lost lease releases nothing', async ({ store, pass }) => {
      const lost = await store.acquire(['a'], 'one', TTL_MS)
      await pass(TTL_MS)
      assert.deepEqual(await take(store, ['a'], 'two'), ['a'])
      await store.release(lost)
      await store.release([])
      assert.deepEqual(await take(store, ['a'], 'three'), [])
    })

    check('of many at one time one gets a name', async ({ store }) => {
      const taken = await Promise.all(Array.from({ length: 12 }, (_, index) => take(store, ['a', 'b', 'c'], `holder-${index}`)))
      assert.deepEqual(taken.flat().toSorted(), ['a', 'b', 'c'])
    })

    check('those that are held are listed by prefix, in order, and none that ended', async ({ store, pass }) => {
      await take(store, ['x/1'], 'gone')
      await pass(TTL_MS)
      await take(store, ['x/3', 'x/2', 'y/1', 'x_9', 'x%'], 'one')
      assert.deepEqual(
        (await store.held('x/')).map((lease) => [lease.name, lease.holder]),
        [
          ['x/2', 'one'],
          ['x/3', 'one'],
        ],
      )
      assert.deepEqual(
        (await store.held('x_')).map((lease) => lease.name),
        ['x_9'],
      )
    })

    check('a fence holds for the holder alone, and keeps others away until its transaction ends', async ({ store, database, pass }) => {
      const [lease] = await store.acquire(['a'], 'one', TTL_MS)
      const fenced = Promise.withResolvers<void>()
      const gate = Promise.withResolvers<void>()
      const writing = database.transaction(async (tx) => {
        assert.equal(await store.fence(tx, lease!), true)
        fenced.resolve()
        await gate.promise
      })
      await fenced.promise
      await pass(TTL_MS)
      const taking = take(store, ['a'], 'two')
      let taken: readonly string[] = []
      const settled = taking.then((names) => (taken = names))
      // Meanwhile others go through, so that it had its time.
      for (const other of ['b', 'c', 'd']) assert.deepEqual(await take(store, [other], 'three'), [other])
      assert.deepEqual(taken, [], 'the lease was taken under a fence')
      gate.resolve()
      await writing
      // Whoever was kept away gets it now, or at its next try.
      if ((await settled).length === 0) assert.deepEqual(await take(store, ['a'], 'two'), ['a'])
      assert.equal(await database.transaction((tx) => store.fence(tx, lease!)), false)
    })

    check('a lease that ended fences nothing, although nobody has it yet', async ({ store, database, pass }) => {
      const [lease] = await store.acquire(['a'], 'one', TTL_MS)
      await pass(TTL_MS)
      assert.equal(await database.transaction((tx) => store.fence(tx, lease!)), false)
    })
  })
}
