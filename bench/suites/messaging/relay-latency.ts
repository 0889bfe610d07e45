import { migrate, openPostgresDatabase, outboxStoreSchema, postgresOutboxStore } from '@seaworthy/postgres'
import { Pool } from 'pg'
import { outbox, startRelay } from 'seaworthy/outbox'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Contender, Effort, Metric } from '../../harness/suite.ts'
import { TOPIC, nextOrder, orderPlaced } from './order.ts'
import { CREATE_PLAIN_OUTBOX, PLAIN_CHANNEL, startPlainRelay } from './plain-relay.ts'
import { quantile } from './quantile.ts'
import { sinkLog } from './sending.ts'

const module = import.meta.url
const EVERY_MS = 8
const BATCH = 100
const INSERT_PLAIN = `WITH added AS (INSERT INTO outbox (topic, event) VALUES ($1, $2::json)) SELECT pg_notify('${PLAIN_CHANNEL}', $1)`

/** What is measured of one side: commits an event, and later calls `onHandled` with its id. */
interface Delivery {
  commit(event: { readonly id: string }): Promise<unknown>
  onHandled: (id: string) => void
}

/** Milliseconds from the answer to a commit until the handler has the message, of the share of messages that is asked for: one message at a time, in a steady beat. */
async function latencies(delivery: Delivery, share: number, { quick }: Effort): Promise<number> {
  const messages = quick ? 50 : 400
  const handledAtMs = new Map<string, number>()
  const all = Promise.withResolvers<void>()
  delivery.onHandled = (id) => {
    handledAtMs.set(id, performance.now())
    if (handledAtMs.size === messages) all.resolve()
  }
  const committedAtMs = new Map<string, number>()
  const startedMs = performance.now()
  for (let n = 0; n < messages; n++) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, startedMs + n * EVERY_MS - performance.now())))
    const event = orderPlaced(nextOrder())
    await delivery.commit(event)
    committedAtMs.set(event.id, performance.now())
  }
  await all.promise
  return quantile(
    [...committedAtMs].map(([id, atMs]) => handledAtMs.get(id)! - atMs),
    share,
  )
}

/** The service and the relay have sessions of their own, as two processes would: the wake-up goes over the server. */
async function ours(share: number, effort: Effort) {
  const server = await startPostgres()
  const { url } = await server.createDatabase()
  const service = await openPostgresDatabase({ connection: url })
  await migrate(service, [outboxStoreSchema])
  const events = outbox({ store: postgresOutboxStore(service), topics: [TOPIC] })
  const delivery: Delivery = { commit: (event) => events.commit([], event as ReturnType<typeof orderPlaced>), onHandled: () => undefined }
  const log = sinkLog(async (sent) => {
    for (const { id } of sent) delivery.onHandled(id)
  })
  const relayed = await openPostgresDatabase({ connection: url })
  startRelay({ store: postgresOutboxStore(relayed), log, batchSizeMax: BATCH })
  return () => latencies(delivery, share, effort)
}

async function plain(share: number, effort: Effort) {
  const server = await startPostgres()
  const { url } = await server.createDatabase()
  const pool = new Pool({ connectionString: url })
  await pool.query(CREATE_PLAIN_OUTBOX)
  const delivery: Delivery = {
    commit: (event) => pool.query({ name: 'insert', text: INSERT_PLAIN, values: [TOPIC, JSON.stringify(event)] }),
    onHandled: () => undefined,
  }
  const send = async (events: readonly object[]) => {
    for (const { id } of events as readonly { id: string }[]) delivery.onHandled(id)
  }
  await startPlainRelay({ url, batchSize: BATCH, send })
  return () => latencies(delivery, share, effort)
}

export const oursMedian: Contender = (effort) => ours(0.5, effort)
export const plainMedian: Contender = (effort) => plain(0.5, effort)
export const oursTail: Contender = (effort) => ours(0.99, effort)
export const plainTail: Contender = (effort) => plain(0.99, effort)

const described = {
  unit: 'ms from the answer to the commit until the handler has it',
  better: 'lower',
  peer: 'a bare loop of LISTEN, SKIP LOCKED and DELETE',
  note: `One message every ${EVERY_MS} ms. The bare statement notifies inside its transaction; ours does so after the commit.`,
  rounds: 7,
} as const

export const relayLatencyMetrics: readonly Metric[] = [
  {
    name: 'latency-p50',
    ...described,
    target: { ratioMax: 1.3 },
    contenders: { ours: { module, name: 'oursMedian' }, peer: { module, name: 'plainMedian' } },
  },
  {
    name: 'latency-p99',
    ...described,
    target: { ratioMax: 2 },
    contenders: { ours: { module, name: 'oursTail' }, peer: { module, name: 'plainTail' } },
  },
]
