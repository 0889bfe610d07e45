import { Client, Pool } from 'pg'
import {
  DatabaseSetup,
  type ReplicationListenerConfig,
  type TransactionalMessage,
  createReplicationSegmentMutexConcurrencyController,
  getDisabledLogger,
  initializeMessageStorage,
  initializeReplicationMessageListener,
} from 'pg-transactional-outbox'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Contender, Metric } from '../../harness/suite.ts'
import { TOPIC, nextOrder } from './order.ts'
import { countingSink } from './sending.ts'

const module = import.meta.url
const KEYS = 1_000
const logger = getDisabledLogger()

/**
 * The quicker of its two listeners, which follows the server's log, in its quickest way that keeps the order of a key: a mutex for each. It marks each message in a transaction of its
 * own, many side by side. Its guards against poisonous messages, which cost a further transaction each, are off, as its documentation has them for an outbox.
 */
export const pgTransactionalOutbox: Contender = async ({ quick }) => {
  const messages = quick ? 500 : 2_000
  const server = await startPostgres({ fsync: true, settings: { wal_level: 'logical' } })
  const { url, name } = await server.createDatabase()
  const config: ReplicationListenerConfig = {
    outboxOrInbox: 'outbox',
    dbListenerConfig: { connectionString: url },
    settings: {
      dbSchema: 'public',
      dbTable: 'outbox',
      dbPublication: 'outbox_publication',
      dbReplicationSlot: 'outbox_slot',
      enableMaxAttemptsProtection: false,
      enablePoisonousMessageProtection: false,
    },
  }
  const client = new Client({ connectionString: url })
  await client.connect()
  const table = { outboxOrInbox: 'outbox', database: name, schema: 'public', table: 'outbox', listenerRole: 'postgres' } as const
  await client.query(DatabaseSetup.dropAndCreateTable(table))
  await client.query(DatabaseSetup.setupReplicationCore({ ...table, publication: 'outbox_publication', replicationSlot: 'outbox_slot' }))
  await client.query(`SELECT pg_create_logical_replication_slot('outbox_slot', 'pgoutput')`)
  const pool = new Pool({ connectionString: url })
  const store = initializeMessageStorage(config, logger)
  let made = 0
  const next = (): TransactionalMessage => {
    const key = `customer-${made++ % KEYS}`
    const id = crypto.randomUUID()
    return { id, aggregateType: TOPIC, aggregateId: key, messageType: 'order.placed', segment: key, payload: nextOrder() }
  }
  return async () => {
    await Promise.all(Array.from({ length: messages }, () => store(next(), pool)))
    const sink = countingSink(0, messages)
    const startedMs = performance.now()
    const [stop] = initializeReplicationMessageListener(config, { handle: () => sink.send(1) }, logger, {
      concurrencyStrategy: createReplicationSegmentMutexConcurrencyController(),
    })
    await sink.all
    const perSecond = (messages / (performance.now() - startedMs)) * 1_000
    await stop()
    return perSecond
  }
}

export const relayThroughputPgtoMetrics: readonly Metric[] = [
  {
    name: 'relay-throughput-pgto',
    unit: 'messages per second',
    better: 'higher',
    peer: 'pg-transactional-outbox, replication listener with a mutex for each key',
    target: { ratioMin: 2 },
    note: 'Ours takes batches of 100; the peer takes one message at a time, many side by side. Ours sends 20,000 messages, the peer 2,000.',
    rounds: 7,
    contenders: {
      ours: { module: new URL('relay-throughput.ts', module).href, name: 'oursAtOnce' },
      peer: { module, name: 'pgTransactionalOutbox' },
    },
  },
]
