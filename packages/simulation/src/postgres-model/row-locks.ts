import type { Command } from './command.ts'
import { PostgresModelError } from './errors.ts'
import type { Version } from './heap.ts'
import { type Waiting, turn } from './locks.ts'
import type { LockWait } from './statement.ts'
import { entryState, updateState } from './visibility.ts'

/** How an attempt to get hold of one version ended. `locked`: somebody else has the row, and waiting was not wanted. */
export type HoldOutcome = 'free' | 'updated' | 'deleted' | 'changed-by-itself' | 'invisible' | 'locked'

/**
 * Waits until nobody else holds the version, and then runs `take` if it is still the newest. Those who wait for one version queue: the first
 * waits for the end of the holder's transaction, the others for the first. The queue moves on after `take`.
 * The waiting part of PostgreSQL's `heap_update`, `heap_delete` and `heap_lock_tuple`.
 */
export function* hold(version: Version, command: Command, wait: LockWait, take: () => void): Waiting<HoldOutcome> {
  const { locks, transactions } = command.storage
  try {
    for (;;) {
      yield* turn()
      const state = updateState(version, command)
      const holder = version.xmax
      if (state === 'free' || (state === 'held' && holder === command.xid)) {
        take()
        return 'free'
      }
      if (state !== 'held') return state
      if (wait === 'wait') {
        yield* locks.acquire(version, command.owner)
        if (transactions.stateOf(holder) === 'running') yield* locks.untilEnded(holder, command.owner)
      } else if (wait === 'skip-locked') {
        return 'locked'
      } else {
        throw notAvailable()
      }
    }
  } finally {
    locks.release(version, command.owner)
  }
}

/** The newest version of a row, locked by this transaction; or why there is none. */
export type RowLock =
  | { readonly kind: 'locked'; readonly version: Version; readonly changed: boolean }
  | { readonly kind: 'gone' }
  | { readonly kind: 'held-by-another' }
  | { readonly kind: 'invisible' }

/**
 * Locks the newest version of the row that `seen` is a version of. Who follows a row that was changed waits for the next holder without a place in
 * a queue. PostgreSQL's `heapam_tuple_lock` with `TUPLE_LOCK_FLAG_FIND_LAST_VERSION`.
 */
export function* lockNewest(seen: Version, command: Command, wait: LockWait): Waiting<RowLock> {
  let version = seen
  for (;;) {
    const outcome = yield* lockVersion(version, command, wait)
    if (outcome === 'free') return { kind: 'locked', version, changed: version !== seen }
    if (outcome === 'locked') return { kind: 'held-by-another' }
    if (outcome === 'invisible') return { kind: 'invisible' }
    if (outcome !== 'updated') return { kind: 'gone' }
    const newest = yield* successor(version, command, wait)
    if (typeof newest === 'string') return { kind: newest }
    version = newest
  }
}

/** Locks this version, if it is the newest of its row. */
export function lockVersion(version: Version, command: Command, wait: LockWait): Waiting<HoldOutcome> {
  return hold(version, command, wait, () => {
    const xid = command.currentXid()
    // Locked by an earlier statement of its own already.
    if (version.xmax === xid) return
    version.xmax = xid
    version.cmax = command.number
    version.lockedOnly = true
    version.next = undefined
  })
}

/** The version at the end of the chain, once no running transaction is about to replace it. */
function* successor(replaced: Version, command: Command, wait: LockWait): Waiting<Version | 'gone' | 'held-by-another'> {
  const { locks, transactions } = command.storage
  for (let version = replaced.next; version !== undefined;) {
    yield* turn()
    const state = entryState(version, command)
    if (state.kind === 'alive') return version
    if (state.kind === 'undecided') {
      if (wait === 'skip-locked') return 'held-by-another'
      if (wait === 'nowait') throw notAvailable()
      yield* locks.untilEnded(state.xid, command.owner)
    } else {
      // What rolled back never replaced anything.
      if (transactions.stateOf(version.xmin) === 'aborted') return 'gone'
      version = version.next
    }
  }
  return 'gone'
}

function notAvailable(): PostgresModelError {
  return new PostgresModelError('55P03', 'Another transaction holds the row, and NOWAIT was asked for.')
}
