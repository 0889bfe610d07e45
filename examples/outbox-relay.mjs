// A relay as it could be written in any language: a database, HTTP, and what the environment says.
import { setTimeout } from 'node:timers/promises'
import { Client } from 'pg'

const { CONFORMANCE_DATABASE_URL, CONFORMANCE_EXCHANGE_URL, CONFORMANCE_INSTANCE } = process.env
const client = new Client({ connectionString: CONFORMANCE_DATABASE_URL })
await client.connect()

for (;;) {
  await client.query('BEGIN')
  // One relay at a time: two would send the messages of a key side by side.
  await client.query('SELECT pg_advisory_xact_lock(7)')
  const { rows } = await client.query('SELECT position, id, key, body FROM outbox ORDER BY position LIMIT 100')
  if (rows.length > 0) {
    const messages = rows.map(({ id, key, body }) => ({ id, key, envelope: body }))
    const { ok } = await fetch(`${CONFORMANCE_EXCHANGE_URL}/publish/${CONFORMANCE_INSTANCE}`, {
      method: 'POST',
      body: JSON.stringify(messages),
    })
    // Only what the broker has confirmed goes.
    if (ok) await client.query('DELETE FROM outbox WHERE position = ANY ($1)', [rows.map(({ position }) => position)])
  }
  await client.query('COMMIT')
  await setTimeout(20)
}
