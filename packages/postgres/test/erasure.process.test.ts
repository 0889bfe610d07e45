import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { commandHandler, erasure, sealedEventStore } from 'seaworthy/event-sourcing'
import {
  type PostgresDatabase,
  eventStoreSchema,
  migrate,
  openPostgresDatabase,
  postgresEventStore,
  postgresSubjectStore,
  subjectStoreSchema,
} from '@seaworthy/postgres'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import { filesWith } from '../../seaworthy/test/event-sourcing/files-with.ts'
import { guest, guestEvents } from '../../seaworthy/test/event-sourcing/guest.ts'

const NAME = 'Ada Augusta King-Noel'

/** A server of the test's own, because it is asked about all of its files. */
async function serverFor(t: TestContext, settings: Readonly<Record<string, string>>) {
  const server = await startPostgres({ settings })
  const { url } = await server.createDatabase()
  const administrator = new Client({ connectionString: url })
  await administrator.connect()
  const opened: PostgresDatabase[] = []
  t.after(async () => {
    await Promise.all(opened.map((database) => database.close()))
    await administrator.end()
    await server.stop()
  })
  return {
    administrator,
    openAs: async (role: string) => {
      const database = await openPostgresDatabase({
        connection: url.replace('postgres@', `${role}@`),
        waitMs: 60_000,
        transactionTimeoutMs: 60_000,
      })
      opened.push(database)
      return database
    },
  }
}

test('after forgetting, neither what was personal nor its key is in the data directory or the write-ahead log', async (t) => {
  const { administrator, openAs } = await serverFor(t, { wal_recycle: 'off' })
  const database = await openAs('postgres')
  await migrate(database, [eventStoreSchema, subjectStoreSchema])
  const store = postgresEventStore(database)
  const subjects = postgresSubjectStore(database)
  const guests = commandHandler({
    decider: guest,
    events: guestEvents,
    store: sealedEventStore({ store, events: guestEvents, subjects }),
    database,
    schemaVersion: 1,
    snapshotEvery: 2,
  })
  for (let index = 0; index < 40; index++) {
    const guestId = index % 4 === 0 ? 'ada' : `other-${index}`
    await guests.execute(`visit-${index % 8}`, { type: 'booked', guestId, name: index % 4 === 0 ? NAME : `Somebody ${index}`, room: index })
  }
  // Statistics keep samples of what they are made from; a checkpoint writes pages to their files.
  await administrator.query('ANALYZE')
  await administrator.query('CHECKPOINT')
  const ada = (await subjects.keys(['ada'])).get('ada')
  assert.ok(ada?.kind === 'kept')
  const { data_directory: directory } = (await administrator.query<{ data_directory: string }>('SHOW data_directory')).rows[0]!

  assert.deepEqual(filesWith(directory, Buffer.from(NAME)), [])
  const before = filesWith(directory, ada.key)
  assert.ok(before.some((path) => path.includes('/base/')) && before.some((path) => path.includes('/pg_wal/')), before.join())

  const { remains } = await erasure({ store, subjects }).forget('ada')
  assert.deepEqual(remains, [])
  assert.deepEqual(filesWith(directory, ada.key), [])
  assert.deepEqual(filesWith(directory, Buffer.from(NAME)), [])
  assert.deepEqual((await guests.load('visit-0')).state.names.at(-1), '(forgotten)')
  assert.equal((await guests.load('visit-1')).state.names.at(-1), 'Somebody 33')
})

test('what the server keeps is said, and the key is gone from the table all the same', async (t) => {
  const { administrator, openAs } = await serverFor(t, {})
  await administrator.query('CREATE ROLE service LOGIN; GRANT CREATE, USAGE ON SCHEMA public TO service')
  const database = await openAs('service')
  await migrate(database, [subjectStoreSchema])
  const subjects = postgresSubjectStore(database)
  await database.transaction((tx) => subjects.hold(tx, 'a', ['ada']))

  const { remains } = await subjects.forget('ada', async () => undefined)
  assert.deepEqual(
    remains.map((text) => /pg_switch_wal|CHECKPOINT|wal_recycle/.exec(text)?.[0]),
    ['pg_switch_wal', 'CHECKPOINT', 'wal_recycle'],
  )
  assert.equal((await subjects.keys(['ada'])).get('ada')?.kind, 'forgotten')
})
