import { migrate, openPostgresDatabase, outboxStoreSchema, postgresOutboxStore } from '@seaworthy/postgres'
import { Client } from 'pg'
import { startRelay } from 'seaworthy/outbox'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Contender, Effort, Metric } from '../../harness/suite.ts'
import { TOPIC, nextOrder } from './order.ts'
import { CREATE_PLAIN_OUTBOX, startPlainRelay } from './plain-relay.ts'
import { countingSink, sinkLog } from './sending.ts'

const module = import.meta.url
const BATCH = 100
const KEYS = 1_000
const DATA = JSON.stringify(nextOrder())
const FILL_OURS = `SELECT count(seaworthy_outbox_add('${TOPIC}', 'customer-' || (n % ${KEYS}), 'order.placed', 1, $2::json)) FROM generate_series(1, $1::int) AS n`
const FILL_PLAIN = `INSERT INTO outbox (topic, event) SELECT '${TOPIC}', json_build_object('id', gen_random_uuid(), 'type', 'order.placed', 'version', 1,
  'source', '${TOPIC}', 'key', 'customer-' || (n % ${KEYS}), 'sequence', 0, 'time', now(), 'correlationId', gen_random_uuid(), 'data', $2::json)
  FROM generate_series(1, $1::int) AS n`

/** What a relay does with a full outbox, from its start until all is sent and marked. */
type Drain = (messages: number) => Promise<void>

/** Messages that leave a full outbox per second. The table is filled, and cleaned of the last round, before the time is taken. */
async function draining({ url, fill, table, drain }: { url: string; fill: string; table: string; drain: Drain }, { quick }: Effort) {
  const messages = quick ? 2_000 : 20_000
  const client = new Client({ connectionString: url })
  await client.connect()
  return async () => {
    await client.query(`VACUUM ANALYZE ${table}`)
    await client.query(fill, [messages, DATA])
    const startedMs = performance.now()
    await drain(messages)
    return (messages / (performance.now() - startedMs)) * 1_000
  }
}

async function ours(delayMs: number, effort: Effort) {
  const server = await startPostgres({ fsync: true })
  const { url } = await server.createDatabase()
  const database = await openPostgresDatabase({ connection: url })
  await migrate(database, [outboxStoreSchema])
  const store = postgresOutboxStore(database)
  const drain: Drain = async (messages) => {
    const sink = countingSink(delayMs, messages)
    const relay = startRelay({ store, log: sinkLog((events) => sink.send(events.length)), batchSizeMax: BATCH })
    await sink.all
    await relay.stop()
  }
  return draining({ url, fill: FILL_OURS, table: 'seaworthy_outbox', drain }, effort)
}

async function plain(delayMs: number, effort: Effort) {
  const server = await startPostgres({ fsync: true })
  const { url } = await server.createDatabase()
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(CREATE_PLAIN_OUTBOX)
  const drain: Drain = async (messages) => {
    const sink = countingSink(delayMs, messages)
    const relay = await startPlainRelay({ url, batchSize: BATCH, send: (events) => sink.send(events.length) })
    await sink.all
    await relay.stop()
  }
  return draining({ url, fill: FILL_PLAIN, table: 'outbox', drain }, effort)
}

export const oursAtOnce: Contender = (effort) => ours(0, effort)
export const plainAtOnce: Contender = (effort) => plain(0, effort)
export const oursDelayed: Contender = (effort) => ours(2, effort)
export const plainDelayed: Contender = (effort) => plain(2, effort)

const described = {
  unit: 'messages per second',
  better: 'higher',
  peer: 'a bare loop of SKIP LOCKED and DELETE that keeps no order',
  target: { ratioMin: 0.8 },
  rounds: 9,
} as const

export const relayThroughputMetrics: readonly Metric[] = [
  {
    name: 'relay-throughput',
    ...described,
    note: `Batches of ${BATCH} of 20,000 that wait, PostgreSQL with fsync on; the sink confirms each batch at once.`,
    contenders: { ours: { module, name: 'oursAtOnce' }, peer: { module, name: 'plainAtOnce' } },
  },
  {
    name: 'relay-throughput-2ms',
    ...described,
    note: `The same; the sink confirms each batch after 2 ms.`,
    contenders: { ours: { module, name: 'oursDelayed' }, peer: { module, name: 'plainDelayed' } },
  },
]
