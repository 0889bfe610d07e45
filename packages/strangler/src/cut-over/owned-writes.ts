import type { Database, Transaction } from 'seaworthy/core'
import { CaptureLostError, NotOwnerError } from './errors.ts'
import { ownershipOf } from './moves.ts'
import type { Ownership } from './ownership.ts'
import { SideTable } from './side-table.ts'

/** For whoever writes the data of a route: asks, in the writer's own transaction, whether this side owns it. */
export interface OwnedWrites {
  /**
   * Call it first in the transaction. The ownership cannot go before that ends: a switch waits for it.
   * @returns the epoch under which the write is made
   * @throws NotOwnerError when another side owns the data, or nobody for the moment; nothing was written
   */
  assertOwned(tx: Transaction, key?: string): Promise<number>
}

/** Who owned the data when it was last decided, as a side has it in its database; undefined where that is no side. @param name of the mapping */
export async function storedOwnership(name: string, database: Pick<Database, 'query' | 'dialect'>): Promise<Ownership | undefined> {
  const state = await new SideTable(name, database.dialect).read(database)
  return state && ownershipOf(state)
}

/** @param name of the mapping */
export function ownedWrites(name: string, database: { readonly dialect: 'sqlite' | 'postgres' }): OwnedWrites {
  const table = new SideTable(name, database.dialect)
  return {
    async assertOwned(tx, key) {
      const state = await table.read(tx, 'share')
      if (state === undefined)
        throw new CaptureLostError(name, 'this database is no side of it. Open its side once, before anybody writes.')
      const isHeld = state.gate === 'held' && (key === undefined || (await table.isHeld(tx, key)))
      if (state.gate === 'closed' || isHeld) throw new NotOwnerError(name, { phase: state.phase, epoch: state.epoch, key })
      return state.epoch
    },
  }
}
