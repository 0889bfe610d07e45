import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lockHolder } from '../../platform/lock-holder.ts'
import { openServiceDatabase } from '../service-database.ts'

test('whoever writes to SQLite waits while its lock is held, and no longer', async () => {
  await using service = await openServiceDatabase()
  const { database } = service
  const cleared = new AbortController()
  const held = lockHolder(database)(60_000, cleared.signal)
  let isWritten = false
  const written = database.transaction(async (tx) => tx.script('CREATE TABLE written (id INTEGER)')).then(() => (isWritten = true))
  // Readers do not wait.
  for (let reads = 0; reads < 50; reads++) await database.query({ sql: 'SELECT 1', params: [] })
  assert.equal(isWritten, false)
  cleared.abort(new Error('cleared'))
  await assert.rejects(held, /cleared/)
  await written
})
