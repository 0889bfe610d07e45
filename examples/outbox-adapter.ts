import { fileURLToPath } from 'node:url'
import type { OutboxAdapter } from '@seaworthy/conformance'
import { Client, Pool } from 'pg'

const INSERT = 'INSERT INTO outbox (id, key, body) VALUES ($1, $2, $3)'

const adapter: OutboxAdapter = {
  name: 'A table and a loop',
  version: '1',
  configuration: ['One relay works at a time, by an advisory lock.'],
  setup: async ({ url }) => {
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query('CREATE TABLE outbox (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid, key text, body jsonb)')
    await client.end()
  },
  application: async ({ url }) => {
    const pool = new Pool({ connectionString: url })
    // The kit ends sessions on purpose.
    pool.on('error', () => undefined)
    return {
      add: async (client, events) => {
        for (const event of events) await client.query(INSERT, [event.id, event.key, event])
      },
      append: async (event) => {
        await pool.query(INSERT, [event.id, event.key, event])
      },
      close: () => pool.end(),
    }
  },
  relay: { command: ['node', fileURLToPath(new URL('outbox-relay.mjs', import.meta.url))] },
  consumer: { doesNotHave: 'no inbox' },
}

export default adapter
