import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type TestContext, suite, test } from 'node:test'
import { LimitExceededError } from 'seaworthy/core'
import {
  type DocumentProjectionOptions,
  ParkedReadError,
  SwitchParkedError,
  consistencyToken,
  documentProjection,
  goBack,
  readAfter,
  requeueDocument,
  switchVersion,
} from 'seaworthy/projections'
import { eventually } from '@seaworthy/testing'
import { balances, documentWorld } from './document-world.ts'

/** Amounts that make no sense until the code is mended. */
const BROKEN = new Set([666, 667])

/** Balances whose code does not know what to do with {@link BROKEN}. */
async function brokenWorld(t: TestContext) {
  const world = await documentWorld(t)
  const known = new Set<number>()
  const worth = (cents: number) => {
    if (BROKEN.has(cents) && !known.has(cents)) throw new Error(`${cents} makes no sense`)
    return cents
  }
  const model = { projection: 'balances', version: 1 }
  return {
    ...world,
    worth,
    mend: (...amounts: readonly number[]) => amounts.forEach((amount) => known.add(amount)),
    startBroken: (options: Partial<DocumentProjectionOptions> = {}) => world.start(balances({ worth }), options),
    parked: async () =>
      (await world.store.parked(model, { after: '', max: 9 })).map(({ key, waiting, attempts }) => [key, waiting, attempts]),
  }
}

void suite('a document to which an event cannot be applied', () => {
  test('stands still with all that comes behind, while the others go on; requeued after a mend it has all of them in order', async (t) => {
    const { append, deposit, startBroken, caughtUp, centsOf, mend, parked, store } = await brokenWorld(t)
    await deposit('ada', 1)
    await deposit('ada', 666)
    await deposit('ada', 2)
    await deposit('grace', 5)
    const running = startBroken({ batchSizeMax: 3 })
    await caughtUp(running)
    await append('a transfer', 'transferred', { from: 'ada', to: 'grace', cents: 1 })
    await caughtUp(running)
    assert.deepEqual(await centsOf(), { ada: 1, grace: 6 })
    assert.deepEqual(await parked(), [['ada', [2, 3, 5], 1]])
    assert.deepEqual([running.partitions.get(0), (await running.lag()).parked], [{ kind: 'running' }, 1])

    const again = await running.requeue('ada')
    assert.deepEqual(again.tried.map(({ position, attempt, outcome, reason }) => [position, attempt, outcome, reason]), [
      [2, 2, 'failed', 'Error: 666 makes no sense'],
    ]) // prettier-ignore
    assert.deepEqual([again.left, await parked()], [3, [['ada', [2, 3, 5], 2]]])
    mend(666)
    const mended = await running.requeue('ada')
    assert.deepEqual([mended.tried.map(({ position, outcome }) => `${position} ${outcome}`), mended.left], [['2 handled', '3 handled', '5 handled'], 0]) // prettier-ignore
    await deposit('ada', 10)
    await caughtUp(running)
    assert.deepEqual([await centsOf(), await parked()], [{ ada: 678, grace: 6 }, []])
    assert.deepEqual((await store.find('balances', 'ada')).document?.document, { cents: 678, events: 5 })
    assert.deepEqual(await running.requeue('ada'), { projection: 'balances', version: 1, key: 'ada', tried: [], left: 0 })
  })

  test('goes as far as it can be applied, and waits on at the next one that cannot', async (t) => {
    const { deposit, startBroken, caughtUp, centsOf, mend, parked } = await brokenWorld(t)
    for (const cents of [666, 1, 667, 2]) await deposit('ada', cents)
    const running = startBroken()
    await caughtUp(running)
    mend(666)
    const { tried, left } = await running.requeue('ada')
    assert.deepEqual([tried.map(({ outcome }) => outcome), left], [['handled', 'handled', 'failed'], 2]) // prettier-ignore
    assert.deepEqual([await centsOf(), await parked()], [{ ada: 667 }, [['ada', [3, 4], 1]]])
    mend(667)
    assert.deepEqual((await running.requeue('ada', { eventsMax: 1 })).left, 1)
    assert.deepEqual([await centsOf(), await parked()], [{ ada: 1334 }, [['ada', [4], 0]]])
    assert.deepEqual((await running.requeue('ada')).left, 0)
    assert.deepEqual(await centsOf(), { ada: 1336 })
  })

  test('leaves the events of streams out that were archived meanwhile, as a replay does', async (t) => {
    const { append, startBroken, caughtUp, centsOf, mend, database, source } = await brokenWorld(t)
    await append('a transfer', 'transferred', { from: 'ada', to: 'grace', cents: 666 })
    await append('another', 'transferred', { from: 'ada', to: 'grace', cents: 4 })
    const running = startBroken()
    await caughtUp(running)
    mend(666)
    await database.transaction((tx) => source.archive(tx, 'a transfer'))
    await running.requeue('grace')
    assert.deepEqual(await centsOf(), { ada: -666 - 4, grace: 4 })
    assert.deepEqual(
      (await running.waiting({ after: 0, max: 9 })).map(({ key, position, kind }) => [key, position, kind]),
      [],
    )
  })

  test('is told of, and shown with each event that waits', async (t) => {
    const { deposit, startBroken, caughtUp } = await brokenWorld(t)
    const told: unknown[] = []
    const listener = (message: unknown) => told.push(message)
    subscribe('seaworthy:projection.parked', listener)
    t.after(() => unsubscribe('seaworthy:projection.parked', listener))
    for (const [account, cents] of [
      ['ada', 666],
      ['grace', 667],
      ['ada', 1],
    ] as const)
      await deposit(account, cents)
    const running = startBroken()
    await caughtUp(running)
    const about = { projection: 'balances', version: 1, type: 'deposited' }
    assert.deepEqual(told, [
      { ...about, key: 'ada', position: 1, reason: 'Error: 666 makes no sense' },
      { ...about, key: 'grace', position: 2, reason: 'Error: 667 makes no sense' },
    ])
    const page = async (after: number, max: number) =>
      (await running.waiting({ after, max })).map(({ key, event, kind, attempts }) => [key, event.version, kind, attempts])
    assert.deepEqual(await page(0, 2), [['ada', 1, 'parked', 1], ['grace', 1, 'parked', 1]]) // prettier-ignore
    assert.deepEqual(await page(2, 2), [['ada', 2, 'held', 0]])
  })

  test('whose stream it is known to be of stands still alone when the event cannot even be read', async (t) => {
    const { append, start, caughtUp, store, source } = await documentWorld(t)
    const counts = (version: number) =>
      documentProjection<{ n: number }, { counted: object }>({
        name: 'counts',
        version,
        on: { counted: (count) => ({ n: (count?.n ?? 0) + 1 }) },
      })
    const unreadable = {
      shapeOf: () => ({ version: 1 }),
      upToDate: (event: { data: unknown }) => {
        if ((event.data as { wrong?: true }).wrong) throw new Error('no upcaster knows it')
        return event
      },
    } as unknown as NonNullable<DocumentProjectionOptions['events']>
    await append('ada', 'counted', {})
    await append('ada', 'counted', { wrong: true })
    await append('grace', 'counted', {})
    for (const version of [1, 2]) await caughtUp(start(counts(version), { events: unreadable }))
    const { documents, parked } = await store.load({ projection: 'counts', version: 1 }, { checkpoint: '0/1', keys: ['ada', 'grace'] })
    assert.deepEqual([...documents.values()].map(({ key, document }) => [key, document]), [['ada', { n: 1 }], ['grace', { n: 1 }]]) // prettier-ignore
    assert.deepEqual(parked.get('ada')?.reason, 'Error: no upcaster knows it')
    // Both versions wait for it, so nobody sees less than before.
    const options = { projection: counts(2), source, store, events: unreadable, mayDiffer: () => false }
    assert.deepEqual(await switchVersion(options), { from: 1, to: 2, compared: 1, differing: 0 })
  })

  test('that cannot be listed, or stored, stands still alone too', async (t) => {
    const { append, start, caughtUp, store } = await documentWorld(t)
    const words = documentProjection<{ word: unknown }, { said: { word: unknown } }>({
      name: 'words',
      version: 1,
      on: { said: (_, { data }) => ({ word: data.word === 'big' ? 1n : data.word }) },
      listing: ({ word }) => {
        if (word === 'unlisted') throw new Error('no place for it')
        return { in: 'all', at: 1 }
      },
    })
    for (const [index, word] of ['a', 'unlisted', 'b', 'big', 'c'].entries()) await append(`w${index}`, 'said', { word })
    await append('w1', 'said', { word: 'listed' })
    const running = start(words)
    await caughtUp(running)
    const reasons = (await store.parked(running, { after: '', max: 9 })).map(({ key, reason, waiting }) => [
      key,
      reason.slice(0, 20),
      waiting,
    ])
    assert.deepEqual(reasons, [['w1', 'Error: no place for ', [2, 6]], ['w3', 'TypeError: Do not kn', [4]]]) // prettier-ignore
    assert.deepEqual(await store.keys(running, { after: '', max: 9 }), ['w0', 'w2', 'w4'])
    // Together with what came later it can be listed.
    assert.equal((await running.requeue('w1')).left, 0)
    assert.deepEqual((await store.find('words', 'w1')).document?.document, { word: 'listed' })
    const { tried, left } = await running.requeue('w3')
    assert.deepEqual([tried.map(({ outcome }) => outcome), left], [['failed'], 1])
  })

  test('makes its partition stand still when as many do as may, and when as many events wait as may', async (t) => {
    const { deposit, startBroken, centsOf, mend, parked, caughtUp } = await brokenWorld(t)
    for (const account of ['a', 'b', 'c']) await deposit(account, 666)
    await deposit('d', 1)
    const running = startBroken({ parkedMax: 2, waitingMax: 2 })
    const failing = () => {
      const status = running.partitions.get(0)
      return status?.kind === 'failing' ? status : undefined
    }
    await eventually('it is full', () => failing() !== undefined)
    assert.ok(failing()!.error instanceof LimitExceededError)
    assert.deepEqual(failing()!.event, { type: 'deposited', position: 3 })
    assert.deepEqual([await parked(), await centsOf()], [[['a', [1], 1], ['b', [2], 1]], {}]) // prettier-ignore
    mend(666)
    for (const key of ['a', 'b']) await running.requeue(key)
    await caughtUp(running)
    assert.deepEqual(await centsOf(), { a: 666, b: 666, c: 666, d: 1 })
    for (const cents of [667, 1, 2]) await deposit('a', cents)
    await eventually('it is full', () => failing()?.event?.position === 7)
    assert.match(String(failing()!.error), /2 events wait for document a already \(waitingMax\)/)
    assert.deepEqual(await parked(), [['a', [5, 6], 1]])
  })

  test('is requeued beside a partition that is busy, and neither loses an event nor applies one twice', async (t) => {
    const { deposit, startBroken, caughtUp, centsOf, mend, source, store, worth, parked } = await brokenWorld(t)
    await deposit('ada', 666)
    const running = startBroken({ batchSizeMax: 2 })
    await caughtUp(running)
    mend(666)
    const busy = (async () => {
      for (let n = 0; n < 40; n++) await deposit('ada', 1)
    })()
    while ((await parked()).length > 0) await requeueDocument({ projection: balances({ worth }), source, store, key: 'ada', eventsMax: 3 })
    await busy
    await caughtUp(running)
    assert.deepEqual(await centsOf(), { ada: 706 })
  })

  test('answers a query that wants what waits for it at once, and other queries as ever', async (t) => {
    const { deposit, startBroken, caughtUp, store } = await brokenWorld(t)
    for (const [account, cents] of [
      ['ada', 666],
      ['grace', 1],
      ['ada', 2],
    ] as const)
      await deposit(account, cents)
    await caughtUp(startBroken())
    const token = (position: number) => consistencyToken({ kind: 'position', position })
    for (const position of [1, 3]) {
      await assert.rejects(readAfter({ store, projection: 'balances', token: token(position), timeoutMs: 60_000 }), (error) => {
        assert.ok(error instanceof ParkedReadError)
        assert.deepEqual([error.code, error.key, error.retryAfterMs], ['unavailable', 'ada', undefined])
        return true
      })
    }
    await readAfter({ store, projection: 'balances', token: token(2) })
  })

  test('blocks the switch to its version as long as it goes on in the live one', async (t) => {
    const { deposit, start, caughtUp, store, source, worth, mend } = await brokenWorld(t)
    await deposit('grace', 1)
    await deposit('ada', 666)
    await caughtUp(start(balances()))
    const projection = balances({ version: 2, worth })
    const next = start(projection)
    await assert.rejects(switchVersion({ projection, source, store }), (error) => {
      assert.ok(error instanceof SwitchParkedError)
      assert.deepEqual([error.keys, error.code], [['ada'], 'conflict'])
      return true
    })
    assert.equal((await store.versions('balances')).live, 1)
    mend(666)
    await next.requeue('ada')
    assert.deepEqual(await switchVersion({ projection, source, store, mayDiffer: () => false }), { from: 1, to: 2, compared: 2, differing: 0 }) // prettier-ignore
  })

  test('of the live version is mended by the next one, which is not compared with it there', async (t) => {
    const { deposit, startBroken, start, caughtUp, store, source } = await brokenWorld(t)
    await deposit('ada', 666)
    await deposit('grace', 1)
    await caughtUp(startBroken())
    const projection = balances({ version: 2 })
    await caughtUp(start(projection))
    assert.deepEqual(await switchVersion({ projection, source, store, mayDiffer: () => false }), { from: 1, to: 2, compared: 2, differing: 0 }) // prettier-ignore
    await assert.rejects(goBack(store, 'balances', { from: 2 }), SwitchParkedError)
    assert.deepEqual(await goBack(store, 'balances', { from: 2, evenIfBehind: true }), { from: 2, to: 1 })
  })

  test('is not known when it cannot be said which documents an event changes: that holds its partition up', async (t) => {
    const { append, deposit, start, centsOf } = await documentWorld(t)
    await append('a transfer', 'transferred', null as unknown as object)
    await deposit('ada', 1)
    const running = start(balances())
    const status = () => running.partitions.get(0)
    await eventually('it fails', () => status()?.kind === 'failing')
    const failing = status()
    assert.deepEqual(failing?.kind === 'failing' && failing.event, { type: 'transferred', position: 1 })
    assert.deepEqual(await centsOf(), {})
  })
})
