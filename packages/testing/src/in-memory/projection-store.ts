import type { LiveVersions, ProjectionStore } from 'seaworthy/projections'
import { Table } from './table.ts'

/** Checkpoints beside an in-memory database. */
export function inMemoryProjectionStore(): ProjectionStore {
  const checkpoints = new Table<number>()
  const live = new Table<LiveVersions>()
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
    versions: async (projection, tx) => live.get(projection, tx) ?? { live: 0, previous: 0 },
    async makeLive(tx, projection, { from, to }) {
      if ((live.get(projection, tx)?.live ?? 0) !== from) return false
      live.set(tx, projection, { live: to, previous: from })
      return true
    },
    async forget(tx, projection, version) {
      checkpoints.set(tx, key(projection, version), 0)
      const versions = live.get(projection, tx)
      if (versions?.previous === version) live.set(tx, projection, { ...versions, previous: 0 })
    },
  }
}
