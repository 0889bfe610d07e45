import {
  type OutboxWakeUp,
  type ReplicationWakeUp,
  type WakeUpStatus,
  createOutboxReplication,
  leaseStoreSchema,
  migrate,
  openPostgresDatabase,
  outboxStoreSchema,
  postgresLeaseStore,
  postgresOutboxStore,
  startReplicationWakeUp,
} from '@seaworthy/postgres'
import { type RelayStatus, startRelay } from 'seaworthy/outbox'
import type { RelayConfig } from './config.ts'
import { openTarget } from './targets.ts'

export interface RunningRelay {
  status(): Promise<RelayStatus>
  /** Undefined where replication is not asked for. */
  wakeUpStatus(): WakeUpStatus | undefined
}

/** Whoever is woken by nothing looks by itself. */
const NEVER: OutboxWakeUp = { onAdded: () => () => undefined }

/**
 * Composes the relay from its configuration. What it opens is registered with `add` at once, to be stopped in the reverse order: the batch in
 * progress is finished, its keys go back to other relays, and the log and the database are closed.
 * @throws ConfigurationError, UnavailableError, or what the database or the log says
 */
export async function runRelay(config: RelayConfig, add: (name: string, stop: () => Promise<void>) => void): Promise<RunningRelay> {
  const database = await openPostgresDatabase({ connection: config.databaseUrl })
  add('database', () => database.close())
  if (config.migrate) await migrate(database, [outboxStoreSchema, leaseStoreSchema])
  const log = await openTarget({ url: config.to, topics: config.topics })
  add('log', () => log.close())
  let replication: ReplicationWakeUp | undefined
  if (config.wake === 'replication') {
    if (config.migrate) await createOutboxReplication(database)
    const started = (replication = startReplicationWakeUp({ database, connection: config.databaseUrl }))
    add('replication', () => started.stop())
  }
  const wakeUp = config.wake === 'poll' ? NEVER : replication
  const store = postgresOutboxStore(database, { shared: { leases: postgresLeaseStore(database) }, ...(wakeUp !== undefined && { wakeUp }) })
  add('leases', () => store.handBack())
  const relay = startRelay({ store, log, pollMs: config.pollMs })
  add('relay', () => relay.stop())
  return { status: () => relay.status(), wakeUpStatus: () => replication?.status() }
}
