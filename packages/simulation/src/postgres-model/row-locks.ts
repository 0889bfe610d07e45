import type { Command } from './command.ts'
import { PostgresModelError } from './errors.ts'
import type { Version } from './heap.ts'
import { type Waiting, turn } from './locks.ts'
import type { LockWait } from './statement.ts'
import type { Xid } from './transactions.ts'
import { entryState, updateState } from './visibility.ts'

/** How an attempt to get hold of one version ended. `locked`: somebody else has the row, and waiting was not wanted. */
export type HoldOutcome = 'free' | 'updated' | 'deleted' | 'invisible' | 'locked'

export interface HoldOptions {
  readonly wait: LockWait
  /** Whether a wait for somebody who is replacing the version goes on to the replacement, at once and out of turn: SELECT FOR UPDATE does that. */
  readonly follow?: boolean
}

/**
 * Waits until nobody else holds the version, and then runs `take` if it is still the newest. Those who wait for one version queue: the first
 * waits for the end of the holder's transaction, the others for the first. The queue moves on after `take`.
 * The waiting part of PostgreSQL's `heap_update`, `heap_delete` and `heap_lock_tuple`.
 */
export function* hold(version: Version, command: Command, { wait, follow }: HoldOptions, take: () => void): Waiting<HoldOutcome> {
  const { locks } = command.storage
  try {
    for (;;) {
      yield* turn()
      const state = updateState(version, command)
      const { xmax: holder, next: replacement, lockedOnly } = version
      if (state === 'free' || (state === 'held' && holder === command.xid)) {
        take()
        return 'free'
      }
      if (state !== 'held') return state
      if (wait === 'wait') {
        yield* locks.acquire(version, command.owner)
        yield* locks.untilEnded(holder, command.owner)
        if (follow === true && !lockedOnly && replacement !== undefined) {
          const outcome = yield* lockReplacement(replacement, holder, command)
          if (outcome !== 'free') return outcome
        }
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
export function* lockNewest(seen: Version, command: Command, { wait, follow = false }: HoldOptions): Waiting<Version | undefined> {
  for (let version: Version | undefined = seen; version !== undefined;) {
    const outcome: HoldOutcome = yield* lockVersion(version, command, { wait, follow })
    if (outcome === 'free') return version
    version = outcome === 'updated' ? yield* successor(version, command, wait) : undefined
  }
  return undefined
}

/** Locks this version, if it is the newest of its row. */
export function lockVersion(version: Version, command: Command, options: HoldOptions): Waiting<HoldOutcome> {
  return hold(version, command, options, () => lock(version, command.currentXid()))
}

function lock(version: Version, xid: Xid): void {
  // Locked by an earlier statement of its own already.
  if (version.xmax === xid) return
  Object.assign(version, { xmax: xid, lockedOnly: true, next: undefined })
}

/**
 * Locks the versions after one that `maker` was replacing. Waits without a place in a queue. PostgreSQL's `heap_lock_updated_tuple`.
 * @returns `free` when there is nothing more to lock, else what another transaction did to one of them
 */
function* lockReplacement(replacement: Version, maker: Xid, command: Command): Waiting<HoldOutcome> {
  const { locks, transactions } = command.storage
  const xid = command.currentXid()
  for (let version: Version | undefined = replacement, madeBy = maker; version !== undefined && version.xmin === madeBy;) {
    yield* turn()
    if (transactions.stateOf(version.xmin) === 'aborted') return 'free'
    const holder = version.xmax
    const state = holder === 0 ? 'aborted' : transactions.stateOf(holder)
    if (state === 'running' && holder !== xid) {
      yield* locks.untilEnded(holder, command.owner)
      continue
    }
    if (state === 'committed' && !version.lockedOnly) return version.next === undefined ? 'deleted' : 'updated'
    lock(version, xid)
    madeBy = version.xmax
    version = version.next
  }
  return 'free'
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
