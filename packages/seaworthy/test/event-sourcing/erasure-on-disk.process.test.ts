import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandHandler, erasure, sealedEventStore } from 'seaworthy/event-sourcing'
import {
  eventStoreSchema,
  migrate,
  openSqliteDatabase,
  openSubjectKeyFile,
  sqliteEventStore,
  sqliteSubjectStore,
  subjectStoreSchema,
} from 'seaworthy/sqlite'
import { testFolder } from '../sqlite/folder.ts'
import { guest, guestEvents } from './guest.ts'
import { filesWith } from './files-with.ts'

const NAME = 'Ada Augusta King-Noel'

test('after forgetting, neither what was personal nor its key is in any file, while the process runs', async (t) => {
  const folder = testFolder(t)
  const database = await openSqliteDatabase({ path: join(folder, 'events.db') })
  t.after(() => database.close())
  const keyFile = await openSubjectKeyFile({ path: join(folder, 'keys.db') })
  t.after(() => keyFile.close())
  await migrate(database, [eventStoreSchema, subjectStoreSchema])
  const store = sqliteEventStore(database)
  const subjects = sqliteSubjectStore(database, keyFile)
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
  const ada = (await subjects.keys(['ada'])).get('ada')
  assert.ok(ada?.kind === 'kept')

  assert.deepEqual(filesWith(folder, Buffer.from(NAME)), [])
  assert.ok(filesWith(folder, Buffer.from(ada.key)).length > 0, 'the key is nowhere, so that looking for it proves nothing')

  const { remains } = await erasure({ store, subjects }).forget('ada')
  assert.deepEqual(remains, [])
  assert.deepEqual(filesWith(folder, Buffer.from(ada.key)), [])
  assert.deepEqual(filesWith(folder, Buffer.from(NAME)), [])
  assert.deepEqual((await guests.load('visit-0')).state.names.at(-1), '(forgotten)')
  assert.equal((await guests.load('visit-1')).state.names.at(-1), 'Somebody 33')
})

test('a process that dies between forgetting and cleaning has it cleaned by the next', async (t) => {
  const folder = testFolder(t)
  const path = join(folder, 'keys.db')
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--conditions=source', new URL('./forgets-and-dies.ts', import.meta.url).pathname, path],
    { encoding: 'utf8' },
  )
  assert.equal(status, null, `it did not die: ${stderr}`)
  const key = Buffer.from(stdout.trim(), 'hex')
  assert.equal(key.length, 32)
  assert.ok(filesWith(folder, key).length > 0, 'nothing was left to clean')

  const keyFile = await openSubjectKeyFile({ path })
  t.after(() => keyFile.close())
  assert.deepEqual(filesWith(folder, key), [])
  assert.equal((await keyFile.keys(['ada'])).get('ada')?.kind, 'forgotten')
})
