import type { Transaction } from 'seaworthy/core'
import type { LiveVersions } from './read-store.ts'

/** Where a projection keeps its place: beside its read model, in the same transaction. */
export interface ProjectionStore {
  /** The checkpoint of a projection's version: the position of the last event in its read model; 0 when it has none. */
  checkpoint(projection: string, version: number, tx?: Transaction): Promise<number>
  /**
   * Moves the checkpoint in the transaction that changes the read model, and holds it until that ends.
   * @returns false, and moves nothing, when it is not at `from`: another runner was faster
   */
  advance(tx: Transaction, projection: string, version: number, move: { readonly from: number; readonly to: number }): Promise<boolean>
  /** Of a projection whose versions have tables of their own. */
  versions(projection: string, tx?: Transaction): Promise<LiveVersions>
  /** Version `to` is the one that answers; `from` the one before. @returns false, and changes nothing, when another one than `from` is live */
  makeLive(tx: Transaction, projection: string, move: { readonly from: number; readonly to: number }): Promise<boolean>
  /** A version that nobody builds any more: it has no checkpoint, and nobody can go back to it. */
  forget(tx: Transaction, projection: string, version: number): Promise<void>
}
