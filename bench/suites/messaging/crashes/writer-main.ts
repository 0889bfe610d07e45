import { openPostgresDatabase, postgresOutboxStore } from '@seaworthy/postgres'
import { seededRandom } from 'seaworthy/core'
import { type EventEnvelope } from 'seaworthy/messaging'
import { outbox } from 'seaworthy/outbox'
import { orderPlaced } from '../order.ts'
import { type Ready, KEYS, TOPIC } from './wire.ts'

// Commits events of random keys, and with them a row that says how many, until it is killed.
const COMMITS_AT_ONCE = 2
const EVENTS = 25
const INSERT_PLACED = 'INSERT INTO placed (events) VALUES ($1)'

const [url = '', seed] = process.argv.slice(2)
process.once('disconnect', () => process.exit())
const random = seededRandom(Number(seed))
const database = await openPostgresDatabase({ connection: url })
const events = outbox({ store: postgresOutboxStore(database), topics: [TOPIC] })

function placed(): EventEnvelope {
  const customer = `customer-${Math.floor(random.float() * KEYS)}`
  return orderPlaced({ id: '', customer, totalCents: 4_900, note: '' })
}

process.send?.({ ready: true } satisfies Ready)
await Promise.all(
  Array.from({ length: COMMITS_AT_ONCE }, async () => {
    for (;;) await events.commit([{ sql: INSERT_PLACED, params: [EVENTS] }], ...Array.from({ length: EVENTS }, placed))
  }),
)
