import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Database } from 'seaworthy/core'
import {
  type EventStore,
  type StoredEvent,
  type SubjectStore,
  SubjectForgottenError,
  UnreadableFieldError,
  commandHandler,
  decider,
  erasure,
  eventTypes,
  sealedEventStore,
} from 'seaworthy/event-sourcing'
import { withFresh } from './with-fresh.ts'

/** A subject store of the engine under test, the event store beside it, both empty, and the database of both. */
export interface SubjectStoreUnderTest {
  readonly subjects: SubjectStore
  readonly store: EventStore
  readonly database: Database
  readonly dispose: () => Promise<void>
}

type Visit =
  | { readonly type: 'booked'; readonly guestId: string; readonly name: string; readonly room: number }
  | { readonly type: 'moved'; readonly room: number }

const visitEvents = eventTypes<Visit>({
  booked: { version: 1, personal: { subject: ({ guestId }) => guestId, placeholders: { name: '(forgotten)' } } },
  moved: { version: 1 },
})

const visit = decider<{ names: readonly string[]; room: number }, Visit, Visit>({
  initial: () => ({ names: [], room: 0 }),
  decide: (command) => [command],
  evolve: (state, event) =>
    event.type === 'booked' ? { names: [...state.names, event.name], room: event.room } : { ...state, room: event.room },
})

const ada: Visit = { type: 'booked', guestId: 'guest-1', name: 'Ada Lovelace', room: 7 }
const grace: Visit = { type: 'booked', guestId: 'guest-2', name: 'Grace Hopper', room: 8 }

/**
 * What every `SubjectStore` must do, beneath a sealed event store, as tests of node:test.
 * @param open makes fresh stores for each test
 */
export function subjectStoreContract(name: string, open: () => Promise<SubjectStoreUnderTest>): void {
  const check = (sentence: string, body: (under: Under) => Promise<void>): void => {
    void test(sentence, () => withFresh(async () => wired(await open()), body))
  }

  void suite(`subject store contract: ${name}`, () => {
    check('personal fields come back as they went in, and the store beneath never has them', async ({ visits, store, sealed }) => {
      await visits.execute('a', ada)
      assert.deepEqual((await visits.load('a')).state, { names: ['Ada Lovelace'], room: 7 })
      const [beneath] = await store.read('a')
      assert.equal(JSON.stringify(beneath).includes('Lovelace'), false)
      const { guestId, room } = beneath!.data as Visit & { type: 'booked' }
      assert.deepEqual({ guestId, room }, { guestId: 'guest-1', room: 7 })
      assert.equal(nameIn((await sealed.readAll({ after: 0, max: 10 }))[0]), 'Ada Lovelace')
      assert.equal(nameIn(await sealed.find('a', beneath!.id)), 'Ada Lovelace')
    })

    check('one value is stored in another form each time', async ({ visits, store }) => {
      await visits.execute('a', ada)
      await visits.execute('a', ada)
      const [first, second] = await store.read('a')
      assert.notDeepEqual(nameIn(first), nameIn(second))
    })

    check('after forgetting, a replay goes on with placeholders, for that subject alone', async ({ visits, people }) => {
      await visits.execute('a', ada)
      await visits.execute('a', grace)
      await visits.execute('a', { type: 'moved', room: 9 })
      await people.forget('guest-1')
      assert.deepEqual((await visits.load('a')).state, { names: ['(forgotten)', 'Grace Hopper'], room: 9 })
    })

    check('of a forgotten subject nothing personal is stored again, and other events are', async ({ visits, people, store }) => {
      await visits.execute('a', ada)
      await people.forget('guest-1')
      await assert.rejects(visits.execute('a', ada), (error) => {
        assert.ok(error instanceof SubjectForgottenError)
        return error.executed === 'no' && error.final && error.subject === 'guest-1'
      })
      await visits.execute('a', { type: 'moved', room: 3 })
      assert.equal((await store.read('a')).length, 2)
    })

    check('forgetting is safe to repeat, and holds for a subject that comes later', async ({ visits, people }) => {
      await visits.execute('a', ada)
      const first = await people.forget('guest-1')
      assert.equal((await people.forget('guest-1')).atMs, first.atMs)
      await people.forget('guest-2')
      await assert.rejects(visits.execute('b', grace), SubjectForgottenError)
    })

    check('a field that was moved to another event, field or subject does not open', async (under) => {
      const { visits, store, database, sealed } = under
      await visits.execute('a', ada)
      await visits.execute('b', grace)
      const [event] = await store.read('a')
      const data = event!.data as Record<string, unknown>
      const forge = (stream: string, id: string, forged: object) =>
        database.transaction((tx) => store.append(tx, stream, [{ ...bare(event!), id, data: forged }], 'any'))
      await forge('other-event', 'x', data)
      await forge('other-field', event!.id, { ...data, guestId: data['name'] })
      await forge('other-subject', event!.id, { ...data, name: { ...(data['name'] as object), subjects: ['guest-2'] } })
      await forge('no-subject', event!.id, { ...data, name: { ...(data['name'] as object), subjects: ['guest-3'] } })
      for (const stream of ['other-event', 'other-field', 'other-subject', 'no-subject']) {
        await assert.rejects(sealed.read(stream), (error) => {
          assert.ok(error instanceof UnreadableFieldError, stream)
          return error.stream === stream && error.position > 0 && error.executed === 'no'
        })
      }
    })

    check('a snapshot is encrypted, and ignored once one of its subjects is forgotten', async ({ quick, store, people }) => {
      await quick.execute('a', ada)
      await quick.execute('a', grace)
      assert.equal((await quick.load('a')).snapshotVersion, 2)
      assert.equal(JSON.stringify(await store.loadSnapshot('a')).includes('Hopper'), false)
      await people.forget('guest-2')
      const loaded = await quick.load('a')
      assert.deepEqual(loaded, { state: { names: ['Ada Lovelace', '(forgotten)'], room: 8 }, version: 2, snapshotVersion: 0 })
      await quick.execute('a', { type: 'moved', room: 1 })
      assert.equal((await quick.load('a')).snapshotVersion, 3)
      assert.equal(JSON.stringify(await store.loadSnapshot('a')).includes('Lovelace'), false)
    })

    check('forgetting waits for the transactions that have the key', async ({ sealed, database, people, visits }) => {
      const order: string[] = []
      const [held, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const reading = database.transaction(async (tx) => {
        await sealed.append(tx, 'a', [toStore(ada)], 'no-stream')
        held.resolve()
        await asked.promise
        assert.equal(nameIn((await sealed.read('a', { tx }))[0]), 'Ada Lovelace')
        order.push('read')
      })
      await held.promise
      const forgetting = people.forget('guest-1').then(() => order.push('forgotten'))
      asked.resolve()
      await Promise.all([reading, forgetting])
      assert.deepEqual(order, ['read', 'forgotten'])
      assert.deepEqual((await visits.load('a')).state.names, ['(forgotten)'])
    })

    check('of several that make the key of a subject, all get the same', async ({ visits }) => {
      const streams = ['a', 'b', 'c', 'd', 'e', 'f']
      await Promise.all(streams.map((stream) => visits.execute(stream, ada)))
      for (const stream of streams) assert.deepEqual((await visits.load(stream)).state.names, ['Ada Lovelace'])
    })

    check('it knows which streams hold whom, and not those of a transaction that rolled back', async (under) => {
      const { visits, subjects, database, sealed } = under
      await visits.execute('b', ada)
      await visits.execute('a', ada)
      await visits.execute('a', grace)
      await assert.rejects(
        database.transaction(async (tx) => {
          await sealed.append(tx, 'c', [toStore(ada)], 'no-stream')
          throw new Error('no')
        }),
      )
      assert.deepEqual(await subjects.streamsOf('guest-1'), ['a', 'b'])
      assert.deepEqual(await database.transaction((tx) => subjects.subjectsOf('a', tx)), ['guest-1', 'guest-2'])
    })

    check('a report names every place, and forgetting erases what holders can', async ({ quick, store, subjects }) => {
      let rows = 2
      const holder = {
        kind: 'projection',
        name: 'guest list',
        count: async () => rows,
        erase: async () => void (rows = 0),
      } as const
      const letters = { kind: 'dead-letters', name: 'mailing', count: async () => 1 } as const
      const people = erasure({ store, subjects, holders: [holder, letters] })
      assert.deepEqual(await people.report('guest-1'), {
        subject: 'guest-1',
        key: 'unknown',
        places: [
          { kind: 'projection', name: 'guest list', count: 2, form: 'clear' },
          { kind: 'dead-letters', name: 'mailing', count: 1, form: 'clear' },
        ],
      })
      await quick.execute('a', ada)
      await quick.execute('a', grace)
      const { key, places } = await people.report('guest-1')
      assert.equal(key, 'kept')
      assert.deepEqual(
        places.map(({ kind, name, form }) => `${kind} ${name} ${form}`),
        ['stream a encrypted', 'snapshot a encrypted', 'projection guest list clear', 'dead-letters mailing clear'],
      )
      const { report } = await people.forget('guest-1')
      assert.equal(report.key, 'forgotten')
      assert.deepEqual(
        report.places.filter(({ form }) => form === 'clear').map(({ name }) => name),
        ['mailing'],
      )
    })

    check('when a holder fails, the key stays', async ({ visits, store, subjects }) => {
      await visits.execute('a', ada)
      const failing = { kind: 'other', name: 'search', count: async () => 0, erase: () => Promise.reject(new Error('down')) } as const
      await assert.rejects(erasure({ store, subjects, holders: [failing] }).forget('guest-1'), /down/)
      assert.deepEqual((await visits.load('a')).state.names, ['Ada Lovelace'])
    })
  })
}

type Under = ReturnType<typeof wired>

function wired(under: SubjectStoreUnderTest) {
  const { store, subjects, database } = under
  const sealed = sealedEventStore({ store, events: visitEvents, subjects })
  const options = { decider: visit, events: visitEvents, store: sealed, database, schemaVersion: 1 }
  const patient = { ...options, conflictRetriesMax: 50 }
  return {
    ...under,
    sealed,
    visits: commandHandler(patient),
    quick: commandHandler({ ...patient, snapshotEvery: 1 }),
    people: erasure({ store, subjects }),
  }
}

function nameIn(event: StoredEvent | undefined): unknown {
  return (event?.data as { name?: unknown } | undefined)?.name
}

function toStore(event: Visit) {
  return { id: 'e', ...visitEvents.write(event), context: { correlationId: 'c' } }
}

function bare({ id, type, schemaVersion, data, context }: StoredEvent) {
  return { id, type, schemaVersion, data, context }
}
