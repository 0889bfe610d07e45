import type { Command } from './command.ts'
import { PostgresModelError } from './errors.ts'
import { type Heap, type UniqueIndex, type Version, indexIdentity } from './heap.ts'
import { type Waiting, turn } from './locks.ts'
import type { Row } from './values.ts'
import { entryState } from './visibility.ts'

/**
 * Enters a new version into the unique indexes of its table, one after another. Meets another transaction's undecided row by waiting for that
 * transaction, without a place in a queue.
 * @returns false when an index of `arbiters` holds a conflicting row; a conflict in another one is an error
 */
export function* enterIndexes(heap: Heap, version: Version, command: Command, arbiters: readonly UniqueIndex[] = []): Waiting<boolean> {
  for (const index of heap.indexes) {
    const identity = indexIdentity(index, version.row)
    if (identity === undefined) continue
    if ((yield* aliveEntry(index, identity, command)) !== undefined) {
      if (arbiters.includes(index)) return false
      throw new PostgresModelError('23505', `Another row of ${heap.name} has ${index.columns.join(', ')} = ${identity}.`, index.name)
    }
    // Only now, so that of several who waited for the same transaction the first to go on is met by the others.
    const entries = index.entries.get(identity)
    if (entries === undefined) index.entries.set(identity, [version])
    else entries.push(version)
  }
  return true
}

/** The row that stands in the way of `row` in one of the indexes. */
export function* conflicting(indexes: readonly UniqueIndex[], row: Row, command: Command): Waiting<Version | undefined> {
  for (const index of indexes) {
    const identity = indexIdentity(index, row)
    const found = identity === undefined ? undefined : yield* aliveEntry(index, identity, command)
    if (found !== undefined) return found
  }
  return undefined
}

function* aliveEntry(index: UniqueIndex, identity: string, command: Command): Waiting<Version | undefined> {
  for (;;) {
    yield* turn()
    const found = firstNotDead(index, identity, command)
    if (typeof found !== 'number') return found
    yield* command.storage.locks.untilEnded(found, command.owner)
  }
}

/** A living version, or the transaction that has to end before one can know. */
function firstNotDead(index: UniqueIndex, identity: string, command: Command): Version | number | undefined {
  for (const version of index.entries.get(identity) ?? []) {
    const state = entryState(version, command)
    if (state.kind === 'alive') return version
    if (state.kind === 'undecided') return state.xid
  }
  return undefined
}
