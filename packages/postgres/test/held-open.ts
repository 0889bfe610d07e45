import assert from 'node:assert/strict'
import type { PostgresDatabase } from '@seaworthy/postgres'
import { eventually } from '@seaworthy/testing'
import type { Client } from 'pg'
import type { Transaction } from 'seaworthy/core'

/** A transaction that stays open until it is told how to end. */
export function openTransaction<T>(database: PostgresDatabase, body: (tx: Transaction) => Promise<T>) {
  const ready = Promise.withResolvers<T>()
  const end = Promise.withResolvers<void>()
  const ended = database.transaction(async (tx) => {
    await body(tx).then(ready.resolve, ready.reject)
    await end.promise
  })
  ended.catch(() => undefined)
  return {
    ready: ready.promise,
    commit: () => {
      end.resolve()
      return ended
    },
    rollBack: async () => {
      end.reject(new Error('rolled back'))
      await assert.rejects(ended, /rolled back/)
    },
  }
}

/** Until so many sessions wait for a lock of another. */
export async function untilWaiting(observer: Client, sessions: number): Promise<void> {
  await eventually(`${sessions} sessions wait for a lock`, async () => {
    const { rows } = await observer.query<{ count: string }>("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return Number(rows[0]!.count) === sessions
  })
}
