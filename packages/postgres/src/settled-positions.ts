import { channel } from 'node:diagnostics_channel'
import type { Clock } from 'seaworthy/core'
import type { StallHolder } from 'seaworthy/outbox'
import type { PostgresDatabase } from './database.ts'
import { StallDoctor } from './stall-doctor.ts'

// Primary key of seaworthy_events, a range; no more than fits between two looks.
const SELECT_POSITIONS = 'SELECT position FROM seaworthy_events WHERE position > $1 ORDER BY position LIMIT 1000'
// The last position by the primary key, and then who may hold one that is missing before it: whoever has the lock that an INSERT takes before it takes
// a position, and that only the end of its transaction frees. The table is seen as of the statement's snapshot, which is older than the look at the locks.
const OBSERVE = `SELECT (SELECT max(position) FROM seaworthy_events) AS position,
  ARRAY(SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND relation = 'seaworthy_events'::regclass AND mode = 'RowExclusiveLock' AND granted) AS holders`

// How long a reader waits at a gap before it says for whom.
const HELD_UP_AFTER_MS = 2_000

/** Readers of all streams that cannot go on, because a transaction that appended has not ended. Published on the channel `seaworthy:event-store.held-up`. */
export interface EventStoreHeldUp {
  /** The position after which nothing is read. */
  readonly position: number
  /** How long they have waited, in milliseconds. */
  readonly waitedMs: number
  readonly holders: readonly StallHolder[]
}

const heldUpChannel = channel('seaworthy:event-store.held-up')

interface Observation {
  /** A position that had been given out, as had all before it. */
  readonly position: number
  /** The transactions that might still store one before it. */
  readonly holders: ReadonlySet<string>
  readonly atMs: number
}

/**
 * Up to where nothing can be stored any more, so that a reader who keeps one number as its place loses nothing.
 *
 * Positions are given out in one order and committed in another, and one whose transaction rolled back is never stored. So a position that is missing
 * may yet come. Where none is missing, there is nothing to wait for. Where one is, it can only come from a transaction that had the
 * table's insert lock when a later one was seen; when all of those have ended, it never will.
 *
 * That looks at writers of this table alone. The server's horizon (`pg_snapshot_xmin`) would wait for every transaction of every database on it.
 */
export class SettledPositions {
  readonly #database: PostgresDatabase
  readonly #clock: Clock
  readonly #doctor: StallDoctor
  #told: Observation | undefined
  /** Everything up to here is stored, or never will be. */
  #upTo = 0
  #observed: Observation | undefined

  constructor(database: PostgresDatabase, clock: Clock) {
    this.#database = database
    this.#clock = clock
    this.#doctor = new StallDoctor(database, ['seaworthy_events'])
  }

  /** The last of `positions` (growing, all that a reader found after `after`) before the first gap that may yet be filled. `after` when there is none. */
  lastSettled(after: number, positions: readonly number[]): number {
    let last = after
    let next = Math.max(after, this.#upTo) + 1
    for (const position of positions) {
      if (position > this.#upTo) {
        if (position !== next) break
        next++
      }
      last = position
    }
    // Only what follows on what is known here is known: `after` is the reader's word.
    if (after <= this.#upTo && last > this.#upTo) this.#upTo = last
    return last
  }

  /** Looks who may fill the gaps that there are. A reader reads again after it: only a later look sees what was committed meanwhile. */
  async observe(): Promise<void> {
    const [row] = await this.#database.query<{ position: number | null; holders: readonly string[] }>({ sql: OBSERVE })
    const holders = new Set(row!.holders)
    const before = this.#observed
    // After a restart of the server a prepared transaction goes by another name, so while there is such a one nobody is known to have ended.
    const prepared = row!.holders.some((holder) => holder.startsWith('-1/'))
    if (before !== undefined && !prepared && [...before.holders].every((holder) => !holders.has(holder))) {
      this.#settle(before.position)
    }
    if (row!.position === null) return
    if (holders.size === 0) this.#settle(row!.position)
    else this.#observed ??= { position: row!.position, holders, atMs: this.#clock.monotonicMs() }
    if (this.#observed !== undefined) this.#tellWhenLate(this.#observed)
  }

  /** The last position that a reader may have. */
  async head(): Promise<number> {
    await this.observe()
    const rows = await this.#database.query<{ position: number }>({ sql: SELECT_POSITIONS, params: [this.#upTo] })
    return this.lastSettled(
      this.#upTo,
      rows.map(({ position }) => position),
    )
  }

  /** Once for each wait that is long, and beside the reading: nobody waits for it. */
  #tellWhenLate(observed: Observation): void {
    const waitedMs = Math.round(this.#clock.monotonicMs() - observed.atMs)
    if (!heldUpChannel.hasSubscribers || this.#told === observed || waitedMs < HELD_UP_AFTER_MS) return
    this.#told = observed
    this.#doctor.writers(observed.holders).then(
      (holders) => heldUpChannel.publish({ position: this.#upTo, waitedMs, holders } satisfies EventStoreHeldUp),
      // Tried again with the next look.
      () => (this.#told = undefined),
    )
  }

  #settle(position: number): void {
    this.#observed = undefined
    if (position > this.#upTo) this.#upTo = position
  }
}
