import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { scrubTables } from '@seaworthy/postgres'
import { databaseForTest } from './server.ts'

test('a row that an older transaction still sees is waited for, and then is in no page', async (t) => {
  const { database, connect, dispose } = await databaseForTest()
  t.after(dispose)
  const owner = await connect()
  await owner.query('CREATE EXTENSION pageinspect')
  await owner.query("CREATE TABLE people AS SELECT n AS id, 'Ada ' || n AS name FROM generate_series(1, 9) AS n")
  const reader = await connect()
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
  // A snapshot alone: a reader of the table would be waited for by its lock.
  await reader.query('SELECT 1')
  await owner.query('DELETE FROM people WHERE id > 1')

  let isScrubbed = false
  const scrubbing = scrubTables(database, ['people']).finally(() => (isScrubbed = true))
  await delay(300)
  assert.equal(isScrubbed, false)
  await reader.query('COMMIT')
  const remains = await scrubbing
  assert.deepEqual(
    remains.filter((what) => what.includes('people')),
    [],
  )
  const { rows } = await owner.query("SELECT count(*)::int AS n FROM heap_page_items(get_raw_page('people', 0))")
  assert.deepEqual(rows, [{ n: 1 }])
})
