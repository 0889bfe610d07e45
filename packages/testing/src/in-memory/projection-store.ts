import type { ProjectionStore } from 'seaworthy/projections'
import { Table } from './table.ts'

/** Checkpoints beside an in-memory database. */
export function inMemoryProjectionStore(): ProjectionStore {
  const checkpoints = new Table<number>()
  const key = (projection: string, version: number) => JSON.stringify([projection, version])
  return {
    async checkpoint(projection, version, tx) {
      return checkpoints.get(key(projection, version), tx) ?? 0
    },
    async advance(tx, projection, version, { from, to }) {
      if ((checkpoints.get(key(projection, version), tx) ?? 0) !== from) return false
      checkpoints.set(tx, key(projection, version), to)
      return true
    },
  }
}
