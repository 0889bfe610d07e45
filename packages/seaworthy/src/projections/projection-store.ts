import type { Transaction } from 'seaworthy/core'

/** Where a projection keeps its place: beside its read model, in the same transaction. */
export interface ProjectionStore {
  /** The checkpoint of a projection's version: the position of the last event in its read model; 0 when it has none. */
  checkpoint(projection: string, version: number, tx?: Transaction): Promise<number>
  /**
   * Moves the checkpoint in the transaction that changes the read model, and holds it until that ends.
   * @returns false, and moves nothing, when it is not at `from`: another runner was faster
   */
  advance(tx: Transaction, projection: string, version: number, move: { readonly from: number; readonly to: number }): Promise<boolean>
}
