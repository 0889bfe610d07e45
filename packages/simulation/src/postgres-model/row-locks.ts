import type { Command } from './command.ts'
import { PostgresModelError } from './errors.ts'
import type { Version } from './heap.ts'
import { type Waiting, turn } from './locks.ts'
import type { LockWait } from './statement.ts'
import { entryState, updateState } from './visibility.ts'

/** How an attempt to get hold of one version ended. `locked`: somebody else has the row, and waiting was not wanted. */
export type HoldOutcome = 'free' | 'updated' | 'deleted' | 'invisible' | 'locked'

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

/**
 * Locks the newest version of the row that `seen` is a version of. Who follows a row that was changed waits for the next holder without a place in
 * a queue. PostgreSQL's `heapam_tuple_lock` with `TUPLE_LOCK_FLAG_FIND_LAST_VERSION`.
 * @returns the version; undefined when the row is gone, or when somebody else has it and waiting was not wanted
 */
export function* lockNewest(seen: Version, command: Command, wait: LockWait): Waiting<Version | undefined> {
  for (let version: Version | undefined = seen; version !== undefined;) {
    const outcome: HoldOutcome = yield* lockVersion(version, command, wait)
    if (outcome === 'free') return version
    version = outcome === 'updated' ? yield* successor(version, command, wait) : undefined
  }
  return undefined
}

/** Locks this version, if it is the newest of its row. */
export function lockVersion(version: Version, command: Command, wait: LockWait): Waiting<HoldOutcome> {
  return hold(version, command, wait, () => {
    const xid = command.currentXid()
    // Locked by an earlier statement of its own already.
    if (version.xmax === xid) return
    version.xmax = xid
    version.lockedOnly = true
    version.next = undefined
  })
}

/** The version at the end of the chain, once no running transaction is about to replace it. */
function* successor(replaced: Version, command: Command, wait: LockWait): Waiting<Version | undefined> {
  const { locks } = command.storage
  for (let version = replaced.next; version !== undefined;) {
    yield* turn()
    const state = entryState(version, command)
    if (state.kind === 'alive') return version
    if (state.kind === 'undecided') {
      if (wait === 'skip-locked') return undefined
      if (wait === 'nowait') throw notAvailable()
      yield* locks.untilEnded(state.xid, command.owner)
    } else {
      version = version.next
    }
  }
  return undefined
}

function notAvailable(): PostgresModelError {
  return new PostgresModelError('55P03', 'Another transaction holds the row, and NOWAIT was asked for.')
}
