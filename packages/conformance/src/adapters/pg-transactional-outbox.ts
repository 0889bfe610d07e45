import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import {
  DatabaseSetup,
  type GeneralMessageHandler,
  type ListenerSettings,
  type PollingListenerConfig,
  type ReplicationListenerConfig,
  type TransactionalMessage,
  applyDefaultReplicationListenerConfigValues,
  createReplicationMutexConcurrencyController,
  defaultReplicationListenerAndSlotRestartStrategy,
  getDisabledLogger,
  initializeMessageStorage,
  initializePollingMessageListener,
  initializeReplicationMessageListener,
} from 'pg-transactional-outbox'
import type { ConsumerContext, OutboxAdapter, OutboxEvent } from '../adapter.ts'

export type ListenerKind = 'polling' | 'replication'

const { version } = createRequire(import.meta.resolve('pg-transactional-outbox'))('../package.json') as { version: string }
const SCHEMA = 'public'
const LOCK_MS = 5_000
const OUTBOX_KEPT_MS = 1_000
const OUTBOX_CLEANED_EVERY_MS = 5_000
const INBOX_CLEANED_EVERY_MS = 500
const logger = getDisabledLogger()

const CONFIGURATION: Readonly<Record<ListenerKind, readonly string[]>> = {
  polling: [
    'Polling listener: every 250 ms, as in its example, up to 50 messages; the segment is the key, so that one message of a key is in work at a time; `created_at` is left to the database.',
    `A claimed message is locked for ${LOCK_MS / 1000} s, the default. Sent messages are deleted from the outbox every ${OUTBOX_CLEANED_EVERY_MS / 1000} s, as its documentation advises for this listener.`,
  ],
  replication: [
    'Replication listener with the mutex for concurrency, which keeps all messages in the order of their commits, and the strategy that makes a lost slot again (`defaultReplicationListenerAndSlotRestartStrategy`).',
    'A slot that is in use is tried again every second. Sent messages stay for its default of seven days.',
  ],
}

/** pg-transactional-outbox with one of its two listeners, for outbox and inbox alike. */
export function pgTransactionalOutbox(kind: ListenerKind): OutboxAdapter {
  return {
    name: `pg-transactional-outbox (${kind})`,
    version,
    configuration: [
      ...CONFIGURATION[kind],
      'Protection against poison and the limit on attempts are on for the inbox and off for the outbox, as its documentation has them.',
    ],
    setup: async ({ url }) => {
      const pool = new Pool({ connectionString: url })
      try {
        for (const statement of ['outbox', 'inbox'].flatMap((table) => setupOf(kind, table as 'outbox' | 'inbox', url)))
          await pool.query(statement)
      } finally {
        await pool.end()
      }
    },
    application: async ({ url }) => {
      const store = initializeMessageStorage(configOf(kind, 'outbox', url), logger)
      const pool = quietPool(url)
      return {
        add: async (client, events) => {
          for (const event of events) await store(messageOf(event), client)
        },
        append: async (event) => {
          const client = await pool.connect()
          try {
            await client.query('BEGIN')
            await store(messageOf(event), client)
            await client.query('COMMIT')
            client.release()
          } catch (error) {
            client.release(true)
            throw error
          }
        },
        close: () => pool.end(),
      }
    },
    relay: {
      run: async ({ databaseUrl, publish }) => {
        listen(kind, configOf(kind, 'outbox', databaseUrl), {
          handle: (message) => publish([{ id: message.id, key: message.aggregateId, envelope: message }]),
        })
      },
    },
    consumer: {
      run: async (context) => {
        const config = configOf(kind, 'inbox', context.databaseUrl, context.limits)
        listen(kind, config, {
          handle: (message, client) =>
            context.handle(message.payload as OutboxEvent, (sql, parameters) => client.query(sql, [...parameters])),
        })
        await receive(kind, context)
      },
      remembers: async (client, id) => {
        const { rows } = await client.query<{ known: boolean }>('SELECT EXISTS (SELECT FROM public.inbox WHERE id = $1) AS known', [id])
        return rows[0]!.known
      },
      setAside: async (client) => {
        const { rows } = await client.query<{ id: string }>('SELECT id FROM public.inbox WHERE abandoned_at IS NOT NULL')
        return rows.map(({ id }) => id)
      },
    },
  }
}

/** The message receiver: takes what the broker delivers into the inbox. */
async function receive(kind: ListenerKind, { databaseUrl, log }: ConsumerContext): Promise<void> {
  const store = initializeMessageStorage(configOf(kind, 'inbox', databaseUrl), logger)
  const pool = quietPool(databaseUrl)
  for (let next = await log.committed(); ;) {
    const entries = await log.read({ from: next, max: 100, waitMs: 1_000 })
    for (const { offset, envelope } of entries) {
      await store(envelope as TransactionalMessage, pool)
      next = offset + 1
      await log.commit(next)
    }
    if (entries.length === 0) await delay(50)
  }
}

function listen(kind: ListenerKind, config: PollingListenerConfig & ReplicationListenerConfig, handler: GeneralMessageHandler): void {
  if (kind === 'polling') {
    initializePollingMessageListener(config, handler, logger)
    return
  }
  initializeReplicationMessageListener(config, handler, logger, {
    concurrencyStrategy: createReplicationMutexConcurrencyController(),
    listenerRestartStrategy: defaultReplicationListenerAndSlotRestartStrategy(applyDefaultReplicationListenerConfigValues(config)),
  })
}

function messageOf(event: OutboxEvent): TransactionalMessage {
  return {
    id: event.id,
    aggregateType: 'conformance',
    aggregateId: event.key,
    messageType: 'happened',
    segment: event.key,
    payload: event,
  }
}

function configOf(
  kind: ListenerKind,
  table: 'outbox' | 'inbox',
  url: string,
  limits?: ConsumerContext['limits'],
): PollingListenerConfig & ReplicationListenerConfig {
  const common: ListenerSettings = {
    dbSchema: SCHEMA,
    dbTable: table,
    enableMaxAttemptsProtection: table === 'inbox',
    enablePoisonousMessageProtection: table === 'inbox',
    // What the replication listener has sent costs it nothing, and stays for its default of seven days.
    ...((limits !== undefined || kind === 'polling') && {
      messageCleanupIntervalInMs: limits === undefined ? OUTBOX_CLEANED_EVERY_MS : INBOX_CLEANED_EVERY_MS,
      messageCleanupProcessedInSec: Math.ceil((limits?.windowMs ?? OUTBOX_KEPT_MS) / 1_000),
    }),
    ...(limits !== undefined && { maxAttempts: limits.attemptsMax, messageProcessingTimeoutInMs: limits.handlerTimeoutMs }),
  }
  return {
    outboxOrInbox: table,
    dbListenerConfig: { connectionString: url },
    settings: {
      ...common,
      ...(kind === 'replication'
        ? { restartDelaySlotInUseInMs: 1_000 }
        : { nextMessagesBatchSize: 50, nextMessagesPollingIntervalInMs: 250, nextMessagesLockInMs: LOCK_MS }),
      nextMessagesFunctionName: `next_${table}_messages`,
      dbPublication: `${table}_publication`,
      dbReplicationSlot: slotOf(table, url),
    },
  }
}

/** A session that ends while it is idle is replaced. */
function quietPool(url: string): Pool {
  const pool = new Pool({ connectionString: url })
  pool.on('error', () => undefined)
  return pool
}

/** Slots are the server's, and databases come and go. */
function slotOf(table: string, url: string): string {
  return `${table}_${new URL(url).pathname.slice(1)}`
}

function setupOf(kind: ListenerKind, table: 'outbox' | 'inbox', url: string): readonly string[] {
  const config = {
    outboxOrInbox: table,
    database: new URL(url).pathname.slice(1),
    schema: SCHEMA,
    table,
    listenerRole: decodeURIComponent(new URL(url).username),
    publication: `${table}_publication`,
    replicationSlot: slotOf(table, url),
    nextMessagesName: `next_${table}_messages`,
  }
  const table_ = DatabaseSetup.dropAndCreateTable(config)
  return kind === 'polling'
    ? [table_, DatabaseSetup.createPollingFunction(config), DatabaseSetup.setupPollingIndexes(config)]
    : [
        table_,
        DatabaseSetup.setupReplicationCore(config),
        `SELECT pg_create_logical_replication_slot('${config.replicationSlot}', 'pgoutput')`,
      ]
}
