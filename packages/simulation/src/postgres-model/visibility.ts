import type { Command } from './command.ts'
import type { Version } from './heap.ts'
import type { Xid } from './transactions.ts'

/**
 * True when the statement's snapshot shows this version of the row. PostgreSQL's `HeapTupleSatisfiesMVCC`; to be asked before the statement writes, so that
 * what its transaction wrote is what earlier statements wrote.
 */
export function isVisible(version: Version, command: Command): boolean {
  const { snapshot, xid } = command
  const { transactions } = command.storage
  if (version.discarded) return false
  if (version.xmin !== xid && !transactions.committedBefore(snapshot, version.xmin)) return false
  if (version.xmax === 0 || version.lockedOnly) return true
  return version.xmax !== xid && !transactions.committedBefore(snapshot, version.xmax)
}

/**
 * What stands in the way of a change to a version that the statement saw:
 * - `free`: nothing.
 * - `held`: a transaction that still runs has changed or locked it; locked it may be by the statement's own.
 * - `updated`, `deleted`: another transaction did so and committed.
 * - `invisible`: it was made by this very statement, or is not there for it at all.
 */
export type UpdateState = 'free' | 'held' | 'updated' | 'deleted' | 'invisible'

/** PostgreSQL's `HeapTupleSatisfiesUpdate`: looks at the newest state of the version, whatever the snapshot says. */
export function updateState(version: Version, command: Command): UpdateState {
  const { transactions } = command.storage
  if (version.discarded) return 'invisible'
  if (version.xmin === command.xid ? version.cmin >= command.number : transactions.stateOf(version.xmin) !== 'committed') return 'invisible'
  if (version.xmax === 0) return 'free'
  switch (transactions.stateOf(version.xmax)) {
    case 'running':
      return version.xmax === command.xid && !version.lockedOnly ? 'invisible' : 'held'
    case 'aborted':
      return 'free'
    case 'committed':
      if (version.lockedOnly) return 'free'
      return version.next === undefined ? 'deleted' : 'updated'
  }
}

/**
 * What an index entry means to somebody who wants to insert the same values. PostgreSQL's `SnapshotDirty`:
 * - `dead`: nothing is there.
 * - `alive`: a row is there, committed or the statement's own.
 * - `undecided`: it depends on how a running transaction ends, which is inserting, changing or deleting the row.
 */
export type EntryState = { readonly kind: 'dead' } | { readonly kind: 'alive' } | { readonly kind: 'undecided'; readonly xid: Xid }

export function entryState(version: Version, command: Command): EntryState {
  const { transactions } = command.storage
  if (version.discarded) return { kind: 'dead' }
  if (version.xmin !== command.xid) {
    const maker = transactions.stateOf(version.xmin)
    if (maker === 'aborted') return { kind: 'dead' }
    if (maker === 'running') return { kind: 'undecided', xid: version.xmin }
  }
  if (version.xmax === 0 || version.lockedOnly) return { kind: 'alive' }
  if (version.xmax === command.xid) return { kind: 'dead' }
  switch (transactions.stateOf(version.xmax)) {
    case 'running':
      return { kind: 'undecided', xid: version.xmax }
    case 'aborted':
      return { kind: 'alive' }
    case 'committed':
      return { kind: 'dead' }
  }
}
