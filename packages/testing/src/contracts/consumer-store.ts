import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Admission, ConsumerStore, DeadLetter, EventEnvelope, NewDeadLetter } from 'seaworthy/messaging'
import { withFresh } from './with-fresh.ts'

/** A fresh consumer store. */
export interface ConsumerStoreUnderTest {
  readonly store: ConsumerStore
  /** Ends it and opens it anew on what was stored, as a restart does. Absent where nothing survives a restart. */
  readonly reopen?: () => Promise<ConsumerStoreUnderTest>
  dispose(): Promise<void>
}

const LIMIT = { deadLettersMax: 1_000 }
const OPTIONS = { atMs: 1_700_000_000_000, countSuspect: true, handled: [] }
const run = (attempt: number): Admission => ({ kind: 'run', attempt })

/** What every ConsumerStore owes. `open` is called once for each test. */
export function consumerStoreContract(name: string, open: () => Promise<ConsumerStoreUnderTest>): void {
  const withStore = (body: (store: ConsumerStore) => Promise<void>) => withFresh(open, ({ store }) => body(store))

  void suite(`consumer store contract: ${name}`, () => {
    test('attempts are counted from 1, for each message, topic and consumer', () =>
      withStore(async (store) => {
        const message = consumed({ id: 'm1' })
        assert.deepEqual(await begin(store, message), run(1))
        assert.deepEqual(await begin(store, message), run(2))
        assert.deepEqual(await begin(store, consumed({ id: 'm2' })), run(1))
        assert.deepEqual(await begin(store, { ...message, topic: 'returns' }), run(1))
        assert.deepEqual(await begin(store, { ...message, consumer: 'another' }), run(1))
        assert.deepEqual(await begin(store, message), run(3))
      }))

    test('a message whose last attempt never ended is a suspect, and is counted only on demand', () =>
      withStore(async (store) => {
        const message = consumed({ id: 'm1' })
        const carefully = { ...LIMIT, ...OPTIONS, countSuspect: false }
        assert.deepEqual(await store.begin(message, carefully), run(1))
        assert.deepEqual(await store.begin(message, carefully), { kind: 'suspect' })
        assert.deepEqual(await store.begin(message, carefully), { kind: 'suspect' })
        assert.deepEqual(await begin(store, message), run(2))
        await bury(store, { id: 'm0', key: 'k', kind: 'parked' })
        assert.deepEqual(await store.begin(message, carefully), { kind: 'held' })
      }))

    test('what was handled meanwhile is forgotten before the attempt is counted', () =>
      withStore(async (store) => {
        const name = (messageId: string) => ({ topic: 'orders', messageId })
        for (const id of ['m1', 'm2', 'm3']) await begin(store, consumed({ id }))
        const options = { ...LIMIT, ...OPTIONS, countSuspect: false, handled: [name('m1'), name('m2')] }
        assert.deepEqual(await store.begin(consumed({ id: 'm1' }), options), run(1))
        assert.deepEqual(await begin(store, consumed({ id: 'm2' })), run(1))
        assert.deepEqual(await begin(store, consumed({ id: 'm3' })), run(2))
      }))

    test('concurrent attempts get different numbers', () =>
      withStore(async (store) => {
        const admissions = await Promise.all(Array.from({ length: 30 }, () => begin(store, consumed({ id: 'm1' }))))
        const attempts = admissions.map((admission) => (admission.kind === 'run' ? admission.attempt : Number.NaN))
        assert.deepEqual(
          attempts.toSorted((one, other) => one - other),
          attempts.map((_, index) => index + 1),
        )
      }))

    test('forgotten attempts begin anew; others are kept', () =>
      withStore(async (store) => {
        const ids = Array.from({ length: 2_000 }, (_, index) => `it's-${index}`)
        for (const id of ids.slice(0, 20)) await begin(store, consumed({ id }))
        await begin(store, consumed({ id: 'kept' }))
        await begin(store, { ...consumed({ id: "it's-0" }), topic: 'returns' })
        await store.forgetAttempts(
          'history',
          ids.map((messageId) => ({ topic: 'orders', messageId })),
        )
        await store.forgetAttempts('history', [])
        assert.deepEqual(await begin(store, consumed({ id: "it's-0" })), run(1))
        assert.deepEqual(await begin(store, { ...consumed({ id: "it's-0" }), topic: 'returns' }), run(2))
        assert.deepEqual(await begin(store, consumed({ id: 'kept' })), run(2))
      }))

    test('a parked message holds up its key, in order, and no other', () =>
      withStore(async (store) => {
        await bury(store, { id: 'm1', key: 'a', kind: 'parked' })
        assert.deepEqual(await begin(store, consumed({ id: 'm2', key: 'a' })), { kind: 'held' })
        assert.deepEqual(await begin(store, consumed({ id: 'm3', key: 'b' })), run(1))
        assert.deepEqual(await begin(store, consumed({ id: 'm4', key: 'A' })), run(1))
        assert.deepEqual(await begin(store, { ...consumed({ id: 'm5', key: 'a' }), topic: 'returns' }), run(1))
        assert.deepEqual(await begin(store, { ...consumed({ id: 'm6', key: 'a' }), consumer: 'another' }), run(1))
        assert.deepEqual(await begin(store, consumed({ id: 'm7', key: 'a' })), { kind: 'held' })
        const letters = await store.deadLetters('history', { max: 10 })
        assert.deepEqual(summary(letters), ['m1 parked 3', 'm2 held 0', 'm7 held 0'])
        assert.deepEqual(await store.parkedKeys('history'), [{ topic: 'orders', key: 'a', letters: 3 }])
        assert.equal(await store.countLetters('history'), 3)
        assert.equal(await store.countLetters('another'), 0)
      }))

    test('what comes again from before the parked message is for its handler, and does not lie behind it', () =>
      withStore(async (store) => {
        await bury(store, { id: 'm4', key: 'a', sequence: 4, kind: 'parked' })
        await begin(store, consumed({ id: 'm5', key: 'a', sequence: 5 }))
        assert.deepEqual(await begin(store, consumed({ id: 'm3', key: 'a', sequence: 3 })), run(1))
        const [parked, held] = await store.deadLetters('history', { topic: 'orders', key: 'a', max: 10 })
        // The parked one was handled at last; then the log delivers it again.
        await store.resolve(parked!)
        assert.deepEqual(await begin(store, consumed({ id: 'm4', key: 'a', sequence: 4 })), run(1))
        assert.deepEqual(await begin(store, consumed({ id: 'm6', key: 'a', sequence: 6 })), { kind: 'held' })
        await store.resolve(held!)
        assert.deepEqual(summary(await store.deadLetters('history', { max: 10 })), ['m6 held 0'])
      }))

    test('a message whose number does not tell its place lies behind the parked one', () =>
      withStore(async (store) => {
        const held: Admission = { kind: 'held' }
        await bury(store, { id: 'm4', key: 'a', sequence: 4, kind: 'parked' })
        assert.deepEqual(await begin(store, consumed({ id: 'same number', key: 'a', sequence: 4 })), held)
        assert.deepEqual(await begin(store, consumed({ id: 'none', key: 'a', sequence: 0 })), held)
        assert.deepEqual(await begin(store, consumed({ id: 'another count', key: 'a', sequence: 3, source: 'elsewhere' })), held)
        await bury(store, { id: 'parked without', key: 'b', sequence: 0, kind: 'parked' })
        assert.deepEqual(await begin(store, consumed({ id: 'm5', key: 'b', sequence: 3 })), held)
        await bury(store, { id: 'skipped', key: 'c', sequence: 9, kind: 'skipped' })
        await bury(store, { id: 'parked \u0000', key: 'c', sequence: 2, kind: 'parked' })
        assert.deepEqual(await begin(store, consumed({ id: 'm6', key: 'c', sequence: 3 })), held)
      }))

    test('a skipped message holds up nothing', () =>
      withStore(async (store) => {
        await bury(store, { id: 'm1', key: 'a', kind: 'skipped' })
        assert.deepEqual(await begin(store, consumed({ id: 'm2', key: 'a' })), run(1))
        assert.deepEqual(await store.parkedKeys('history'), [])
        assert.equal(await store.countLetters('history'), 1)
      }))

    test('a message that was set aside and comes again is known, and lies there once', () =>
      withStore(async (store) => {
        await bury(store, { id: 'm1', key: 'a', kind: 'parked' })
        await begin(store, consumed({ id: 'm2', key: 'a' }))
        await bury(store, { id: 'm3', key: 'b', kind: 'skipped' })
        for (const id of ['m1', 'm2']) assert.deepEqual(await begin(store, consumed({ id, key: 'a' })), { kind: 'dead' })
        assert.deepEqual(await begin(store, consumed({ id: 'm3', key: 'b' })), { kind: 'dead' })
        assert.equal((await store.deadLetters('history', { max: 10 })).length, 3)
      }))

    test('setting a message aside again replaces the reason and keeps its place', () =>
      withStore(async (store) => {
        await bury(store, { id: 'm1', key: 'a', kind: 'parked' })
        await begin(store, consumed({ id: 'm2', key: 'a' }))
        const [before] = await store.deadLetters('history', { max: 1 })
        assert.equal(await store.bury({ ...before!, attempts: 9, reason: 'again', diedAtMs: 77 }, LIMIT), 'buried')
        const letters = await store.deadLetters('history', { max: 10 })
        assert.deepEqual(letters[0], { ...before!, attempts: 9, reason: 'again', diedAtMs: 77 })
        assert.deepEqual(summary(letters), ['m1 parked 9', 'm2 held 0'])
      }))

    test('setting a message aside forgets its attempts', () =>
      withStore(async (store) => {
        for (let attempt = 1; attempt <= 3; attempt++) await begin(store, consumed({ id: 'm1', key: 'a' }))
        await bury(store, { id: 'm1', key: 'a', kind: 'skipped' })
        const [letter] = await store.deadLetters('history', { max: 1 })
        await store.resolve(letter!)
        assert.deepEqual(await begin(store, consumed({ id: 'm1', key: 'a' })), run(1))
      }))

    test('no more is set aside than the limit allows, and what is refused leaves no trace', () =>
      withStore(async (store) => {
        const limit = { deadLettersMax: 2 }
        await bury(store, { id: 'm1', key: 'a', kind: 'parked' })
        assert.deepEqual(await store.begin(consumed({ id: 'm2', key: 'a' }), { ...limit, ...OPTIONS }), { kind: 'held' })
        assert.deepEqual(await store.begin(consumed({ id: 'm3', key: 'a' }), { ...limit, ...OPTIONS }), { kind: 'full' })
        assert.deepEqual(await begin(store, consumed({ id: 'm4', key: 'b' })), run(1))
        assert.equal(await store.bury(letter({ id: 'm4', key: 'b', kind: 'parked' }), limit), 'full')
        assert.deepEqual(await begin(store, consumed({ id: 'm4', key: 'b' })), run(2))
        // What lies there already takes no more room.
        assert.equal(await store.bury(letter({ id: 'm1', key: 'a', kind: 'parked' }), limit), 'buried')
        assert.deepEqual(await store.begin(consumed({ id: 'm2', key: 'a' }), { ...limit, ...OPTIONS }), { kind: 'dead' })
        // The letters of others do not count.
        assert.equal(await store.bury({ ...letter({ id: 'm9', key: 'z', kind: 'skipped' }), consumer: 'another' }, limit), 'buried')
        assert.equal((await store.deadLetters('history', { max: 10 })).length, 2)
      }))

    test('a key is released with its last letter, not with the parked one', () =>
      withStore(async (store) => {
        await bury(store, { id: 'm1', key: 'a', kind: 'parked' })
        await begin(store, consumed({ id: 'm2', key: 'a' }))
        const [parked, held] = await store.deadLetters('history', { topic: 'orders', key: 'a', max: 10 })
        await store.resolve(parked!)
        assert.deepEqual(await begin(store, consumed({ id: 'm3', key: 'a' })), { kind: 'held' })
        await store.resolve(held!)
        const [last, ...none] = await store.deadLetters('history', { topic: 'orders', key: 'a', max: 10 })
        assert.equal(last!.event.id, 'm3')
        assert.deepEqual(none, [])
        await store.resolve(last!)
        await store.resolve(last!)
        assert.deepEqual(await begin(store, consumed({ id: 'm4', key: 'a' })), run(1))
      }))

    test('a letter that arrives while its key is being released is held with others or let run, never left behind alone', () =>
      withStore(async (store) => {
        for (let round = 0; round < 40; round++) {
          const key = `key-${round}`
          await bury(store, { id: `parked-${round}`, key, kind: 'parked' })
          const [parked] = await store.deadLetters('history', { topic: 'orders', key, max: 1 })
          const arrive = (_: unknown, index: number) => begin(store, consumed({ id: `m-${round}-${index}`, key }))
          const release = () => store.resolve(parked!).then((): Admission => run(0))
          const arriving = Array.from({ length: 5 }, (_, index) => (index === round % 5 ? release() : arrive(_, index)))
          const admissions = await Promise.all(arriving)
          const left = await store.deadLetters('history', { topic: 'orders', key, max: 10 })
          assert.equal(left.length, admissions.filter(({ kind }) => kind === 'held').length)
          assert.equal(admissions.filter(({ kind }) => kind === 'held' || kind === 'run').length, 5)
        }
      }))

    test('letters are read in order, by topic, by key, and from a place on', () =>
      withStore(async (store) => {
        await bury(store, { id: 'm1', key: 'a', kind: 'skipped' })
        await bury(store, { id: 'm2', key: 'b', kind: 'skipped' })
        await bury(store, { id: 'm3', key: 'a', kind: 'skipped' })
        await bury(store, { id: 'm4', key: 'a', kind: 'skipped', topic: 'returns' })
        const read = async (options: Parameters<ConsumerStore['deadLetters']>[1]) =>
          (await store.deadLetters('history', options)).map(({ event: { id } }) => id)
        assert.deepEqual(await read({ max: 10 }), ['m1', 'm2', 'm3', 'm4'])
        assert.deepEqual(await read({ max: 2 }), ['m1', 'm2'])
        assert.deepEqual(await read({ topic: 'orders', max: 10 }), ['m1', 'm2', 'm3'])
        assert.deepEqual(await read({ key: 'a', max: 10 }), ['m1', 'm3', 'm4'])
        assert.deepEqual(await read({ topic: 'orders', key: 'a', max: 10 }), ['m1', 'm3'])
        const [first] = await store.deadLetters('history', { max: 1 })
        assert.deepEqual(await read({ after: first!.position, max: 10 }), ['m2', 'm3', 'm4'])
        assert.deepEqual(await read({ topic: 'orders', key: 'a', after: first!.position, max: 10 }), ['m3'])
        assert.deepEqual(await store.deadLetters('nobody', { max: 10 }), [])
      }))

    test('a letter keeps its event as it came', () =>
      withStore(async (store) => {
        const came = letter({ id: "o'neill", key: 'käse 🧀\u0000', kind: 'parked' })
        const event: EventEnvelope = { ...came.event, sequence: 7, tracestate: 'a=b', data: { list: [null, 'ü\n'], deep: { yes: true } } }
        await store.bury({ ...came, event }, LIMIT)
        const [{ position, ...stored }] = (await store.deadLetters('history', { max: 1 })) as [DeadLetter]
        assert.deepEqual(stored, { ...came, event })
        assert.ok(position > 0)
      }))

    test('a retry is counted, and a letter that is gone has none', () =>
      withStore(async (store) => {
        await bury(store, { id: 'm1', key: 'a', kind: 'parked' })
        const [parked] = await store.deadLetters('history', { max: 1 })
        assert.equal(await store.countRetry(parked!), 4)
        assert.equal(await store.countRetry(parked!), 5)
        assert.deepEqual(summary(await store.deadLetters('history', { max: 1 })), ['m1 parked 5'])
        await store.resolve(parked!)
        assert.equal(await store.countRetry(parked!), undefined)
      }))

    test('after a restart attempts and letters are known', async (t) => {
      let under = await open()
      try {
        if (under.reopen === undefined) {
          t.diagnostic(`${name} does not survive a restart`)
          return
        }
        await begin(under.store, consumed({ id: 'm1', key: 'a' }))
        await bury(under.store, { id: 'm2', key: 'b', kind: 'parked' })
        under = await under.reopen()
        assert.deepEqual(await begin(under.store, consumed({ id: 'm1', key: 'a' })), run(2))
        assert.deepEqual(await begin(under.store, consumed({ id: 'm3', key: 'b' })), { kind: 'held' })
      } finally {
        await under.dispose()
      }
    })
  })
}

interface Fields {
  readonly id: string
  readonly key?: string
  readonly kind?: NewDeadLetter['kind']
  readonly topic?: string
  readonly sequence?: number
  readonly source?: string
}

function consumed({ id, key = 'k', topic = 'orders', sequence = 1, source = topic }: Fields) {
  const event: EventEnvelope = {
    id,
    type: 'thing.happened',
    version: 1,
    source,
    key,
    sequence,
    time: '2026-01-01T00:00:00Z',
    correlationId: 'c',
    data: { id },
  }
  return { consumer: 'history', topic, event }
}

function letter(fields: Fields): NewDeadLetter {
  return { ...consumed(fields), kind: fields.kind ?? 'skipped', attempts: 3, reason: 'it is no good', diedAtMs: 1_700_000_000_000 }
}

async function bury(store: ConsumerStore, fields: Fields): Promise<void> {
  assert.equal(await store.bury(letter(fields), LIMIT), 'buried')
}

function begin(store: ConsumerStore, message: ReturnType<typeof consumed>): Promise<Admission> {
  return store.begin(message, { ...LIMIT, ...OPTIONS })
}

function summary(letters: readonly DeadLetter[]): readonly string[] {
  return letters.map(({ event: { id }, kind, attempts }) => `${id} ${kind} ${attempts}`)
}
