import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Listing, ReadStore } from 'seaworthy/projections'
import { withFresh } from './with-fresh.ts'

/** A read store of the engine under test, empty. */
export interface ReadStoreUnderTest {
  readonly store: ReadStore
  readonly dispose: () => Promise<void>
}

const ONE = { projection: 'p', version: 1 }
const TWO = { projection: 'p', version: 2 }
const AWKWARD = ['a/b', 'ü{}', 'x y', "it's", 'back\\slash', '🛟', '"quoted"']

/** Writes documents as a writer does who knows what is there. @returns whether they were written */
async function put(
  store: ReadStore,
  of: typeof ONE,
  { checkpoint = '0/1', to, documents }: { checkpoint?: string; to: number; documents: Readonly<Record<string, unknown>> },
  listing?: (key: string) => Listing | undefined,
): Promise<boolean> {
  const loaded = await store.load(of, { checkpoint, keys: Object.keys(documents) })
  const changes = Object.entries(documents).map(([key, document]) => ({
    key,
    document,
    listing: document === undefined ? undefined : listing?.(key),
    before: loaded.documents.get(key),
  }))
  return store.write(of, { checkpoint, from: loaded.position, to, changes })
}

const documentsOf = async (store: ReadStore, of: typeof ONE, keys: readonly string[]) => {
  const { documents } = await store.load(of, { checkpoint: '0/1', keys })
  return Object.fromEntries([...documents].map(([key, { document, revision }]) => [key, [document, revision]]))
}

/**
 * What every `ReadStore` must do, as tests of node:test.
 * @param open makes a fresh store for each test
 */
export function readStoreContract(name: string, open: () => Promise<ReadStoreUnderTest>): void {
  const check = (sentence: string, body: (store: ReadStore) => Promise<void>): void => {
    void test(sentence, () => withFresh(open, ({ store }) => body(store)))
  }

  void suite(`read store contract: ${name}`, () => {
    check('documents and their checkpoint are written together, and versions are apart', async (store) => {
      assert.equal(await put(store, ONE, { to: 7, documents: { a: { cents: 1 }, b: { deep: [1, { x: null }] } } }), true)
      const loaded = await store.load(ONE, { checkpoint: '0/1', keys: ['a', 'b', 'c'] })
      assert.equal(loaded.position, 7)
      assert.deepEqual(await documentsOf(store, ONE, ['a', 'b', 'c']), { a: [{ cents: 1 }, 1], b: [{ deep: [1, { x: null }] }, 1] })
      assert.deepEqual(await documentsOf(store, TWO, ['a']), {})
      assert.deepEqual(await store.load(TWO, { checkpoint: '0/1', keys: [] }), { position: 0, documents: new Map(), parked: new Map() })
    })

    check('a writer whose checkpoint was moved by another writes nothing', async (store) => {
      const change = { key: 'a', document: { n: 1 }, listing: undefined, before: undefined }
      assert.equal(await store.write(ONE, { checkpoint: '0/1', from: 3, to: 4, changes: [change] }), false)
      assert.equal(await store.write(ONE, { checkpoint: '0/1', from: 0, to: 4, changes: [] }), true)
      assert.equal(await store.write(ONE, { checkpoint: '0/1', from: 0, to: 9, changes: [change] }), false)
      assert.deepEqual(await store.checkpoints(ONE), new Map([['0/1', 4]]))
      assert.deepEqual(await documentsOf(store, ONE, ['a']), {})
    })

    check('a writer whose document was changed by another writes nothing, and moves no checkpoint', async (store) => {
      await put(store, ONE, { to: 1, documents: { a: { n: 1 }, b: { n: 1 } } })
      const { documents } = await store.load(ONE, { checkpoint: '0/1', keys: ['a', 'b'] })
      assert.equal(await put(store, ONE, { checkpoint: 'other/key', to: 1, documents: { b: { n: 2 } } }), true)
      const late = (document: unknown, key: string) => ({ key, document, listing: undefined, before: documents.get(key) })
      const write = (...changes: readonly ReturnType<typeof late>[]) => store.write(ONE, { checkpoint: '0/1', from: 1, to: 2, changes })
      assert.equal(await write(late({ n: 9 }, 'a'), late({ n: 9 }, 'b')), false)
      assert.equal(await write(late({ n: 9 }, 'a'), late(undefined, 'b')), false)
      assert.equal(await write({ key: 'a', document: { n: 9 }, listing: undefined, before: undefined }), false)
      await put(store, ONE, { checkpoint: 'other/key', to: 2, documents: { b: undefined } })
      assert.equal(await write(late({ n: 9 }, 'b')), false)
      assert.deepEqual(await documentsOf(store, ONE, ['a', 'b']), { a: [{ n: 1 }, 1] })
      assert.deepEqual(await store.checkpoints(ONE), new Map([['0/1', 1], ['other/key', 2]])) // prettier-ignore
    })

    check('of writers that race, one goes through for each place', async (store) => {
      const change = { key: 'a', document: { n: 1 }, listing: undefined, before: undefined }
      const race = () => store.write(ONE, { checkpoint: '0/1', from: 0, to: 1, changes: [change] })
      const results = await Promise.all(Array.from({ length: 8 }, race))
      assert.equal(results.filter(Boolean).length, 1)
      assert.deepEqual(await documentsOf(store, ONE, ['a']), { a: [{ n: 1 }, 1] })
    })

    check('a document that was removed is gone from finding, keys and lists, and may come back', async (store) => {
      await store.makeLive('p', { from: 0, to: 1 })
      const listing = () => ({ in: 'all', at: 1 })
      await put(store, ONE, { to: 1, documents: { a: { n: 1 } } }, listing)
      await put(store, ONE, { to: 2, documents: { a: undefined } }, listing)
      assert.deepEqual(await store.find('p', 'a'), { version: 1, document: undefined })
      assert.deepEqual(await store.keys(ONE, { after: '', max: 10 }), [])
      assert.deepEqual(await store.list('p', { in: 'all', offset: 0, max: 10 }), { version: 1, documents: [], total: 0 })
      await put(store, ONE, { to: 3, documents: { a: { n: 2 } } }, listing)
      assert.deepEqual((await store.find('p', 'a')).document?.document, { n: 2 })
    })

    check('a list is read in pages from the highest place on, equal places by key backwards', async (store) => {
      await store.makeLive('p', { from: 0, to: 1 })
      const at: Record<string, number> = { a: 5, b: 9, c: 5, d: -1, e: 2 ** 50 }
      const documents = Object.fromEntries(Object.keys(at).map((key) => [key, { key }]))
      await put(store, ONE, { to: 1, documents: { ...documents, other: {}, none: {} } }, (key) =>
        key === 'none' ? undefined : key === 'other' ? { in: 'grace', at: 7 } : { in: 'ada', at: at[key]! },
      )
      const page = async (offset: number, max: number) => {
        const { documents, total, version } = await store.list('p', { in: 'ada', offset, max })
        return [documents.map(({ key }) => key).join(''), total, version]
      }
      assert.deepEqual(await page(0, 3), ['ebc', 5, 1])
      assert.deepEqual(await page(3, 3), ['ad', 5, 1])
      assert.deepEqual(await page(9, 3), ['', 5, 1])
      const { documents: [highest] } = await store.list('p', { in: 'ada', offset: 0, max: 1 }) // prettier-ignore
      assert.deepEqual(highest, { key: 'e', document: { key: 'e' }, listing: { in: 'ada', at: 2 ** 50 }, revision: 1 })
    })

    check('a document moves from list to list, from place to place, and out of all of them', async (store) => {
      await store.makeLive('p', { from: 0, to: 1 })
      const listed = async (list: string) => (await store.list('p', { in: list, offset: 0, max: 9 })).documents.map(({ key }) => key)
      await put(store, ONE, { to: 1, documents: { a: {}, b: {} } }, (key) => ({ in: 'open', at: key === 'a' ? 1 : 2 }))
      assert.deepEqual(await listed('open'), ['b', 'a'])
      await put(store, ONE, { to: 2, documents: { a: {} } }, () => ({ in: 'open', at: 3 }))
      assert.deepEqual(await listed('open'), ['a', 'b'])
      await put(store, ONE, { to: 3, documents: { a: {} } }, () => ({ in: 'done', at: 3 }))
      assert.deepEqual([await listed('open'), await listed('done')], [['b'], ['a']])
      await put(store, ONE, { to: 4, documents: { a: {} } })
      assert.deepEqual([await listed('open'), await listed('done')], [['b'], []])
    })

    check('keys are paged through in the order of their bytes, and may be any text', async (store) => {
      await store.makeLive('p', { from: 0, to: 1 })
      await put(store, ONE, { to: 1, documents: Object.fromEntries(AWKWARD.map((key) => [key, { key }])) }, (key) => ({ in: key, at: 1 }))
      const ordered = AWKWARD.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
      const first = await store.keys(ONE, { after: '', max: 3 })
      const rest = await store.keys(ONE, { after: first.at(-1)!, max: 100 })
      assert.deepEqual([...first, ...rest], ordered)
      for (const key of AWKWARD) {
        assert.deepEqual((await store.find('p', key)).document?.document, { key })
        assert.deepEqual((await store.list('p', { in: key, offset: 0, max: 2 })).total, 1)
      }
    })

    check('without a live version queries find nothing, and nobody may switch from what is not live', async (store) => {
      await put(store, ONE, { to: 1, documents: { a: {} } })
      assert.deepEqual(await store.versions('p'), { live: 0, previous: 0 })
      assert.deepEqual(await store.find('p', 'a'), { version: 0, document: undefined })
      assert.deepEqual(await store.list('p', { in: 'all', offset: 0, max: 1 }), { version: 0, documents: [], total: 0 })
      assert.equal(await store.makeLive('p', { from: 2, to: 1 }), 'moved')
      assert.equal(await store.makeLive('p', { from: 0, to: 1 }), 'switched')
      assert.deepEqual(await store.versions('p'), { live: 1, previous: 0 })
      assert.deepEqual(await store.versions('q'), { live: 0, previous: 0 })
    })

    check('a version that is behind the live one by any checkpoint does not become live, unless it is told to', async (store) => {
      await store.makeLive('p', { from: 0, to: 1 })
      await put(store, ONE, { to: 5, documents: { a: { v: 1 } } })
      await put(store, ONE, { checkpoint: 'x', to: 2, documents: {} })
      await put(store, TWO, { to: 5, documents: { a: { v: 2 } } })
      assert.equal(await store.makeLive('p', { from: 1, to: 2 }), 'behind')
      await put(store, TWO, { checkpoint: 'x', to: 2, documents: {} })
      await put(store, ONE, { to: 6, documents: {} })
      assert.equal(await store.makeLive('p', { from: 1, to: 2 }), 'behind')
      assert.deepEqual((await store.find('p', 'a')).document?.document, { v: 1 })
      assert.equal(await store.makeLive('p', { from: 1, to: 2, evenIfBehind: true }), 'switched')
      assert.deepEqual(await store.find('p', 'a').then(({ version, document }) => [version, document?.document]), [2, { v: 2 }])
      assert.deepEqual(await store.versions('p'), { live: 2, previous: 1 })
    })

    check(
      'a document that stands still is loaded with what waits for it, version by version, beside what there is of it',
      async (store) => {
        await put(store, ONE, { to: 4, documents: { a: { n: 1 }, b: { n: 1 } } })
        const parking = { waiting: [5, 9], attempts: 1, reason: 'it makes no sense', parkedAtMs: 1_700_000_000_000 }
        const parked = ['a', 'yet to come'].map((key) => ({ key, parking, before: undefined }))
        assert.equal(await store.write(ONE, { checkpoint: '0/1', from: 4, to: 9, changes: [], parking: parked }), true)
        const loaded = await store.load(ONE, { checkpoint: '0/1', keys: ['a', 'b', 'yet to come', 'nobody'] })
        assert.deepEqual([...loaded.documents.keys()].toSorted(), ['a', 'b'])
        const document = { ...parking, revision: 1 }
        assert.deepEqual(loaded.parked, new Map([['a', { key: 'a', ...document }], ['yet to come', { key: 'yet to come', ...document }]])) // prettier-ignore
        assert.deepEqual((await store.load(ONE, { checkpoint: '0/1', keys: ['b'] })).parked, new Map())
        assert.deepEqual((await store.load(TWO, { checkpoint: '0/1', keys: ['a'] })).parked, new Map())
      },
    )

    check('those that stand still are paged through in the order of their keys, which may be any text', async (store) => {
      const parking = { waiting: [1], attempts: 1, reason: 'nul \0, "quotes" and 🛟', parkedAtMs: 1 }
      const parked = AWKWARD.map((key) => ({ key, parking, before: undefined }))
      await store.write(ONE, { checkpoint: '0/1', from: 0, to: 1, changes: [], parking: parked })
      const first = await store.parked(ONE, { after: '', max: 3 })
      const rest = await store.parked(ONE, { after: first.at(-1)!.key, max: 100 })
      const ordered = AWKWARD.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
      assert.deepEqual([...first, ...rest].map(({ key }) => key), ordered) // prettier-ignore
      for (const { reason } of first) assert.equal(reason, parking.reason)
      assert.deepEqual(await store.parked(TWO, { after: '', max: 9 }), [])
    })

    check('a writer who does not know that a document stands still by now, or goes on, writes nothing', async (store) => {
      const parking = (waiting: readonly number[]) => ({ waiting, attempts: 1, reason: 'wrong', parkedAtMs: 1 })
      const change = { key: 'a', document: { n: 1 }, listing: undefined, before: undefined }
      type Change = NonNullable<Parameters<ReadStore['write']>[1]['parking']>[number]
      const at = async (position: number, to: number, one: Change) =>
        store.write(ONE, { checkpoint: '0/1', from: position, to, changes: to === 5 ? [change] : [], parking: [one] })
      const parked = async () => (await store.load(ONE, { checkpoint: '0/1', keys: ['a'] })).parked.get('a')
      assert.equal(await at(0, 3, { key: 'a', parking: parking([3]), before: undefined }), true)
      const first = await parked()
      assert.equal(await at(3, 4, { key: 'a', parking: parking([3, 4]), before: first }), true)
      // As they were loaded before the last write.
      assert.equal(await at(4, 5, { key: 'a', parking: undefined, before: first }), false)
      assert.equal(await at(4, 5, { key: 'a', parking: parking([3, 5]), before: first }), false)
      assert.equal(await at(4, 5, { key: 'a', parking: parking([5]), before: undefined }), false)
      assert.deepEqual([(await parked())?.waiting, (await parked())?.revision], [[3, 4], 2])
      const second = await parked()
      // The checkpoint may stay where it is.
      assert.equal(await at(4, 4, { key: 'a', parking: undefined, before: second }), true)
      assert.equal(await at(4, 5, { key: 'a', parking: parking([3, 4, 5]), before: second }), false)
      assert.deepEqual([await parked(), await store.checkpoints(ONE)], [undefined, new Map([['0/1', 4]])])
      assert.deepEqual(await documentsOf(store, ONE, ['a']), {})
    })

    check(
      'a version does not become live with documents that stand still which go on in the live one, or are further there',
      async (store) => {
        await store.makeLive('p', { from: 0, to: 1 })
        const park = async (of: typeof ONE, key: string, first: number) => {
          const { position } = await store.load(of, { checkpoint: '0/1', keys: [] })
          const parking = { waiting: [first, 99], attempts: 1, reason: 'wrong', parkedAtMs: 1 }
          await store.write(of, { checkpoint: '0/1', from: position, to: 100, changes: [], parking: [{ key, parking, before: undefined }] })
        }
        await park(TWO, 'a', 20)
        await put(store, ONE, { to: 100, documents: {} })
        assert.equal(await store.makeLive('p', { from: 1, to: 2 }), 'parked')
        await park(ONE, 'a', 30)
        await park(ONE, 'b', 5)
        assert.equal(await store.makeLive('p', { from: 1, to: 2 }), 'parked')
        assert.deepEqual(await store.versions('p'), { live: 1, previous: 0 })
        assert.equal(await store.makeLive('p', { from: 1, to: 2, evenIfBehind: true }), 'switched')
        // The one before has b as well.
        assert.equal(await store.makeLive('p', { from: 2, to: 1 }), 'parked')
        await park(TWO, 'b', 5)
        assert.equal(await store.makeLive('p', { from: 2, to: 1 }), 'switched')
      },
    )

    check('of those that switch at one time, one does', async (store) => {
      await store.makeLive('p', { from: 0, to: 1 })
      const outcomes = await Promise.all([2, 3, 4].map((to) => store.makeLive('p', { from: 1, to })))
      assert.deepEqual(outcomes.toSorted(), ['moved', 'moved', 'switched'])
    })

    check('a version is removed with all that it has, except the live one', async (store) => {
      await store.makeLive('p', { from: 0, to: 1 })
      const many = Object.fromEntries(Array.from({ length: 1_100 }, (_, n) => [`k${n}`, { n }]))
      const listing = () => ({ in: 'all', at: 1 })
      await put(store, ONE, { to: 1, documents: many }, listing)
      await put(store, TWO, { to: 1, documents: { a: {} } }, listing)
      const parking = { waiting: [2], attempts: 1, reason: 'wrong', parkedAtMs: 1 }
      const parked = { key: 'k7', parking, before: undefined }
      await store.write(ONE, { checkpoint: '0/1', from: 1, to: 1, changes: [], parking: [parked] })
      assert.equal(await store.remove(ONE), false)
      assert.equal((await store.list('p', { in: 'all', offset: 0, max: 1 })).total, 1_100)
      await store.makeLive('p', { from: 1, to: 2 })
      assert.equal(await store.remove(ONE), true)
      assert.deepEqual(await store.keys(ONE, { after: '', max: 10 }), [])
      assert.deepEqual(await store.checkpoints(ONE), new Map())
      assert.deepEqual(await store.parked(ONE, { after: '', max: 9 }), [])
      assert.deepEqual(await store.versions('p'), { live: 2, previous: 0 })
      assert.equal((await store.list('p', { in: 'all', offset: 0, max: 1 })).total, 1)
      await put(store, ONE, { to: 1, documents: { a: { again: true } } }, listing)
      assert.deepEqual(await documentsOf(store, ONE, ['a', 'k0']), { a: [{ again: true }, 1] })
    })
  })
}
