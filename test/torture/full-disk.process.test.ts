import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RejectedError } from 'seaworthy/core'
import { commandHandler, decider, eventTypes } from 'seaworthy/event-sourcing'
import { SqliteFullError, eventStoreSchema, migrate, openSqliteDatabase, sqliteEventStore } from 'seaworthy/sqlite'
import { cannotMount, mountTmpfs } from './mounts.ts'

const MIB = 1 << 20
const COMMANDS_AT_ONCE = 8

type Event = { readonly type: 'noted'; readonly text: string }

const notes = decider<{ count: number }, Event, Event>({
  initial: () => ({ count: 0 }),
  decide: (command) => {
    if (command.text === '') throw new RejectedError('empty', 'There is nothing to note.')
    return [command]
  },
  evolve: ({ count }) => ({ count: count + 1 }),
})

test('when the disk is full, commands fail with a typed error, nothing acknowledged is lost, and work goes on by itself', async (t) => {
  const missing = cannotMount('tmpfs')
  if (missing !== undefined) return t.skip(missing)
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-full-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'disk')
  using _ = mountTmpfs(path, { bytesMax: 4 * MIB })
  // What is taken away again when there shall be room.
  const ballast = join(path, 'ballast')
  writeFileSync(ballast, Buffer.alloc(2 * MIB))
  const open = async () => {
    const database = await openSqliteDatabase({ path: join(path, 'events.db') })
    await migrate(database, [eventStoreSchema])
    const store = sqliteEventStore(database)
    const events = eventTypes<Event>({ noted: { version: 1 } })
    return { database, store, handler: commandHandler({ decider: notes, events, store, database, schemaVersion: 1, snapshotEvery: 10 }) }
  }
  const { database, handler } = await open()
  const acknowledged = new Map<string, number>()
  const failures: unknown[] = []
  const note = async (stream: string) => {
    try {
      const { version } = await handler.execute(stream, { type: 'noted', text: 'x'.repeat(20_000) })
      acknowledged.set(stream, version)
    } catch (error) {
      failures.push(error)
    }
  }
  const streams = Array.from({ length: COMMANDS_AT_ONCE }, (_, index) => `stream-${index}`)
  while (failures.length < COMMANDS_AT_ONCE) await Promise.all(streams.map(note))
  for (const error of failures) {
    assert.ok(error instanceof SqliteFullError, String(error))
    assert.deepEqual([error.code, error.executed], ['database-full', 'no'])
  }
  assert.ok(acknowledged.size > 0)
  const { bavail, bsize } = statfsSync(path)
  assert.ok(bavail * bsize < 20_000 * COMMANDS_AT_ONCE, 'the disk was not full')

  // A load does not need room.
  for (const [stream, version] of acknowledged) assert.equal((await handler.load(stream)).state.count, version)
  rmSync(ballast)
  const failed = failures.length
  await Promise.all(streams.map(note))
  assert.equal(failures.length, failed, 'work does not go on')
  await database.close()

  const again = await open()
  for (const [stream, version] of acknowledged) assert.equal((await again.handler.load(stream)).version, version)
  assert.equal(
    (await again.store.readAll({ after: 0, max: 1_000 })).length,
    [...acknowledged.values()].reduce((sum, one) => sum + one, 0),
  )
  await again.database.close()
})
