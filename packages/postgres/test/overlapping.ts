import type { TestContext } from 'node:test'
import type { Client } from 'pg'
import type { EventEnvelope } from 'seaworthy/messaging'
import { eventStoreSchema, inboxStoreSchema, leaseStoreSchema, migrate, outboxStoreSchema } from '@seaworthy/postgres'
import { databaseForTest } from './server.ts'

export const SCHEMAS = [outboxStoreSchema, inboxStoreSchema, eventStoreSchema, leaseStoreSchema]

/** A database with the library's tables, and a session that looks on. */
export async function open(t: TestContext) {
  const under = await databaseForTest()
  t.after(under.dispose)
  await migrate(under.database, SCHEMAS)
  return { ...under, observer: await under.connect() }
}

/** A writer that is idle in its transaction, somewhere else on the server. @returns the horizon that it holds */
export async function idleWriter(client: Client): Promise<bigint> {
  await client.query('BEGIN')
  const { rows } = await client.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid')
  return BigInt(rows[0]!.xid)
}

export async function horizon(client: Client): Promise<bigint> {
  const { rows } = await client.query<{ xmin: string }>('SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin')
  return BigInt(rows[0]!.xmin)
}

let made = 0

/** An event that nobody stored yet. */
export function event(key: string, topic = 'orders'): EventEnvelope {
  const id = `event-${++made}`
  return {
    id,
    type: 'thing.happened',
    version: 1,
    source: topic,
    key,
    sequence: 0,
    time: '2026-01-01T00:00:00Z',
    correlationId: 'c',
    data: {},
  }
}
