import { migrate, openPostgresDatabase, outboxStoreSchema, postgresOutboxStore } from '@seaworthy/postgres'
import { Pool } from 'pg'
import { outbox } from 'seaworthy/outbox'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Contender, Effort, Metric } from '../../harness/suite.ts'
import { TOPIC, nextOrder, orderPlaced, perSecond } from './order.ts'
import { CREATE_PLAIN_OUTBOX } from './plain-relay.ts'

const module = import.meta.url
const CREATE_ORDERS = 'CREATE TABLE orders (id text PRIMARY KEY, customer text NOT NULL, total_cents integer NOT NULL, note text NOT NULL)'
const INSERT_ORDER = 'INSERT INTO orders (id, customer, total_cents, note) VALUES ($1, $2, $3, $4)'
const INSERT_BOTH = `WITH state AS (${INSERT_ORDER}) INSERT INTO outbox (topic, event) VALUES ($5, $6::json)`

function calls(concurrency: number, { quick }: Effort): number {
  return (quick ? 100 : 2_000) * (concurrency === 1 ? 1 : 3)
}

async function ours(concurrency: number, effort: Effort) {
  const server = await startPostgres({ fsync: true })
  const { url } = await server.createDatabase()
  const database = await openPostgresDatabase({ connection: url, transactionsMax: concurrency })
  await migrate(database, [{ component: 'orders', versions: [CREATE_ORDERS] }, outboxStoreSchema])
  const out = outbox({ store: postgresOutboxStore(database), topics: [TOPIC] })
  return () =>
    perSecond(calls(concurrency, effort), concurrency, () => {
      const order = nextOrder()
      const state = { sql: INSERT_ORDER, params: [order.id, order.customer, order.totalCents, order.note] }
      return out.commit([state], orderPlaced(order))
    })
}

async function bare(concurrency: number, effort: Effort) {
  const server = await startPostgres({ fsync: true })
  const { url } = await server.createDatabase()
  const pool = new Pool({ connectionString: url, max: concurrency })
  await pool.query(CREATE_ORDERS)
  await pool.query(CREATE_PLAIN_OUTBOX)
  return () =>
    perSecond(calls(concurrency, effort), concurrency, () => {
      const order = nextOrder()
      const values = [order.id, order.customer, order.totalCents, order.note, TOPIC, JSON.stringify(orderPlaced(order))]
      return pool.query({ name: 'both', text: INSERT_BOTH, values })
    })
}

export const oursAlone: Contender = (effort) => ours(1, effort)
export const bareAlone: Contender = (effort) => bare(1, effort)
export const oursTogether: Contender = (effort) => ours(32, effort)
export const bareTogether: Contender = (effort) => bare(32, effort)

const described = {
  unit: 'commits per second',
  better: 'higher',
  peer: 'one bare statement that inserts both',
  target: { ratioMin: 0.8 },
  rounds: 9,
  note: 'A row of state and an outbox row, PostgreSQL with fsync on. Ours in one round trip, by outbox.commit. The bare statement takes no number, locks no key and wakes nobody.',
} as const

export const appendPostgresMetrics: readonly Metric[] = [
  { name: 'append-postgres-1', ...described, contenders: { ours: { module, name: 'oursAlone' }, peer: { module, name: 'bareAlone' } } },
  {
    name: 'append-postgres-32',
    ...described,
    contenders: { ours: { module, name: 'oursTogether' }, peer: { module, name: 'bareTogether' } },
  },
]
