import type { Clock } from 'seaworthy/core'
import type { PostgresDatabase } from './database.ts'

// Who may yet commit a message: whoever has the lock that an INSERT takes before it takes a position, and that only the end of its transaction frees.
const WRITERS = `SELECT virtualtransaction AS writer FROM pg_locks
  WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relation = 'seaworthy_outbox'::regclass AND mode = 'RowExclusiveLock' AND granted`
// Messages between two looks. Each costs a statement, and each entry that is passed over costs less than a microsecond.
const LOOK_AFTER_MESSAGES = 2_000
// A server that was put back to an earlier state gives positions out a second time. Nothing else comes below a floor.
const FORGET_AFTER_MS = 60_000

interface Look {
  /** A position that had been given out, as had all before it. */
  readonly position: number
  readonly writers: ReadonlySet<string>
}

/**
 * Below which position no unsent message of a topic is, nor will be, so that a claim begins there.
 *
 * Messages that were sent are deleted, and while somebody holds an old snapshot open, no vacuum removes them: a claim from the beginning would walk through
 * all of them each time, more and more. They are not simply passed by the last position that was sent, because positions are committed in another order than
 * they are given out: one that is smaller may come later. It can only come from a transaction that had the insert lock when the larger one was read; once
 * all of those have ended, what was not there in a read after that never will be. (As in {@link SettledPositions}; here rows also go away.)
 */
export class ClaimFloor {
  readonly #database: PostgresDatabase
  readonly #clock: Clock
  readonly #floors = new Map<string, number>()
  /** Everything up to here is committed or never will be. */
  #settled = 0
  #look: Look | undefined
  #highest = 0
  #sinceLook = 0
  #forgottenAtMs: number
  #scope = ''
  #generation = 0

  constructor(database: PostgresDatabase, clock: Clock) {
    this.#database = database
    this.#clock = clock
    this.#forgottenAtMs = clock.monotonicMs()
  }

  /** Topics that were read before, with their floors. Empty from time to time, so that the whole table is looked at. */
  get known(): ReadonlyMap<string, number> {
    if (this.#clock.monotonicMs() - this.#forgottenAtMs >= FORGET_AFTER_MS) this.#forget()
    return this.#floors
  }

  /**
   * Reads messages of a topic above its floor, and raises that. `scope` names the part of the keys that is read: with another part, what lies below was never
   * looked at.
   */
  async read<Row extends { readonly position: number }>(
    topic: string,
    scope: string,
    read: (floor: number) => Promise<readonly Row[]>,
  ): Promise<readonly Row[]> {
    if (scope !== this.#scope) {
      this.#scope = scope
      this.#forget()
    }
    if (this.#sinceLook >= LOOK_AFTER_MESSAGES) await this.#observe()
    const floor = this.known.get(topic) ?? 0
    // As it was before the read, whose snapshot then has all that is settled.
    const settled = this.#settled
    const generation = this.#generation
    const rows = await read(floor)
    // While it read, all may have been forgotten.
    if (generation !== this.#generation) return rows
    this.#floors.set(topic, Math.max(floor, Math.min(settled, (rows[0]?.position ?? Number.POSITIVE_INFINITY) - 1)))
    for (const { position } of rows) if (position > this.#highest) this.#highest = position
    this.#sinceLook += rows.length
    return rows
  }

  async #observe(): Promise<void> {
    // Given out before the look, because somebody has read it.
    const position = this.#highest
    this.#sinceLook = 0
    const generation = this.#generation
    const rows = await this.#database.query<{ writer: string }>({ sql: WRITERS })
    if (generation !== this.#generation) return
    const writers = new Set(rows.map(({ writer }) => writer))
    const before = this.#look
    // After a restart of the server a prepared transaction goes by another name, so while there is such a one nobody is known to have ended.
    const prepared = rows.some(({ writer }) => writer.startsWith('-1/'))
    if (before !== undefined && !prepared && [...before.writers].every((writer) => !writers.has(writer))) {
      this.#settled = Math.max(this.#settled, before.position)
      this.#look = undefined
    }
    if (writers.size === 0) {
      this.#settled = Math.max(this.#settled, position)
      this.#look = undefined
    } else this.#look ??= { position, writers }
  }

  #forget(): void {
    this.#generation++
    this.#floors.clear()
    this.#settled = 0
    this.#look = undefined
    this.#highest = 0
    this.#forgottenAtMs = this.#clock.monotonicMs()
  }
}
