import type { Transaction } from 'seaworthy/core'

/** Where a projection keeps its place: beside its read model, in the same transaction. */
export interface ProjectionStore {
  /** The checkpoint of a projection's version; 0 when it has none. */
  checkpoint(projection: string, version: number, tx?: Transaction): Promise<number>
  advance(tx: Transaction, projection: string, version: number, checkpoint: number): Promise<void>
}
