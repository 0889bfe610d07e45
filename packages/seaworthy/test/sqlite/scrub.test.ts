import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { openSqliteDatabase, scrubSqliteFile } from 'seaworthy/sqlite'
import { filesWith } from '../event-sourcing/files-with.ts'
import { testFolder } from './folder.ts'

const NAME = 'Ada Augusta King-Noel'

test('what was deleted and overwritten is in no file any more, and what was kept is as it was, while the database is at work', async (t) => {
  const folder = testFolder(t)
  const database = await openSqliteDatabase({ path: join(folder, 'people.db'), durability: 'process-crash' })
  t.after(() => database.close())
  const insert = (id: number, name: string) => ({ sql: 'INSERT INTO people (id, name) VALUES (?, ?)', params: [id, name] })
  await database.atomically([
    { sql: 'CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL)' },
    ...Array.from({ length: 500 }, (_, id) => insert(id, id % 50 === 0 ? `${NAME} ${id}` : `Somebody ${id}`)),
  ])
  await database.atomically([
    { sql: 'DELETE FROM people WHERE id % 100 = 0' },
    { sql: "UPDATE people SET name = '' WHERE name LIKE ?", params: [`${NAME}%`] },
  ])
  assert.ok(filesWith(folder, Buffer.from(NAME)).length > 0, 'it is gone anyway, so that scrubbing proves nothing')

  const writing = Promise.all(Array.from({ length: 50 }, (_, n) => database.atomically([insert(1_000 + n, 'Later')])))
  assert.equal(await scrubSqliteFile(database), true)
  await writing
  assert.deepEqual(filesWith(folder, Buffer.from(NAME)), [])
  const [row] = await database.query<{ rows: number; kept: number }>({
    sql: "SELECT count(*) AS rows, count(*) FILTER (WHERE name LIKE 'Somebody%') AS kept FROM people",
  })
  assert.deepEqual(row, { rows: 500 - 5 + 50, kept: 490 })
})

test('it says so when somebody else is at work on the file all the time', async (t) => {
  const folder = testFolder(t)
  const database = await openSqliteDatabase({ path: join(folder, 'people.db'), durability: 'process-crash' })
  t.after(() => database.close())
  await database.atomically([{ sql: 'CREATE TABLE people (id INTEGER PRIMARY KEY)' }])
  const other = new DatabaseSync(database.path)
  t.after(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  const clock = new VirtualClock()
  const scrubbing = scrubSqliteFile(database, { clock })
  // More than all of its waits together.
  for (let waits = 0; waits < 30; waits++) await clock.advance(100)
  assert.equal(await scrubbing, false)
  other.exec('ROLLBACK')
  assert.equal(await scrubSqliteFile(database), true)
})
