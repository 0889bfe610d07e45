import { ConfigurationError } from 'seaworthy/core'
import { Storage } from './command.ts'
import { PostgresModelError } from './errors.ts'
import { Notifications } from './notifications.ts'
import type { Schema } from './schema.ts'
import { type SessionHost, ServerSession } from './server-session.ts'
import type { Session } from './session.ts'
import type { Row } from './values.ts'

export interface PostgresModelOptions {
  /**
   * Decides where PostgreSQL promises nothing, and is called when there is more than one possibility:
   * - `next`: which of the sessions that can go on does so. They race, as when a commit frees two that waited for it. Default the first: whoever is at
   *   work, else whoever became able first.
   * - `deadlock-victim`: whose statement fails. Default the first, which waits longest of those that a look at their waits can hit.
   * @returns an index
   */
  readonly choose?: (sessions: readonly Session[], what: 'next' | 'deadlock-victim') => number
}

/**
 * A PostgreSQL server as far as concurrent READ COMMITTED transactions can tell: row versions, snapshots, row and advisory locks with their queues,
 * unique constraints, sequences, notifications. Nothing here takes time or chance: a statement that has to wait goes on when another session
 * ends its transaction.
 */
export class PostgresModel {
  readonly #storage: Storage
  readonly #notifications = new Notifications()
  readonly #sessions = new Set<ServerSession>()
  readonly #ready: ServerSession[] = []
  readonly #choose: NonNullable<PostgresModelOptions['choose']>
  readonly #host: SessionHost
  #draining = false
  #connections = 0

  /** @throws ConfigurationError when the schema contradicts itself */
  constructor(schema: Schema, options: PostgresModelOptions = {}) {
    this.#storage = new Storage(schema)
    this.#choose = options.choose ?? (() => 0)
    this.#host = {
      storage: this.#storage,
      notifications: this.#notifications,
      schedule: (session) => this.#ready.push(session),
      yieldTurn: (session) => this.#ready.length > 0 && this.#ready.unshift(session) > 0,
      drain: () => this.#drain(),
      closed: (session) => this.#sessions.delete(session),
    }
  }

  /** `name` is for people who read a deadlock's message. */
  connect(name = `session ${this.#connections + 1}`): Session {
    this.#connections++
    const session = new ServerSession(name, this.#host)
    this.#sessions.add(session)
    return session
  }

  /** The sessions that wait, each with the one that it waits for: `pg_locks` and `pg_blocking_pids`. */
  waiting(): readonly { readonly session: Session; readonly blocker: Session }[] {
    const waiting = [...this.#sessions].filter(({ waitsFor }) => waitsFor !== undefined)
    return waiting.map((session) => ({ session, blocker: this.#storage.locks.blockerOf(session) as ServerSession }))
  }

  /** The committed rows of a table, in the order in which they lie there. */
  contents(table: string): readonly Row[] {
    const { transactions } = this.#storage
    const committed = this.#storage.heap(table).versions.filter(({ xmin, xmax, lockedOnly, discarded }) => {
      if (discarded || transactions.stateOf(xmin) !== 'committed') return false
      return xmax === 0 || lockedOnly || transactions.stateOf(xmax) !== 'committed'
    })
    return committed.map(({ row }) => row)
  }

  /**
   * The server crashes and comes back: every connection is lost with 57P02, open transactions roll back, what was committed is there, and sequences skip what
   * they had logged ahead.
   */
  crash(): void {
    const error = new PostgresModelError('57P02', 'The server crashed.')
    for (const session of this.#sessions) session.close(error)
    for (const sequence of this.#storage.sequences.values()) sequence.recover()
    this.#drain()
  }

  #drain(): void {
    if (this.#draining) return
    this.#draining = true
    try {
      const { locks } = this.#storage
      do {
        while (this.#ready.length > 0) {
          const session = this.#pick(this.#ready, 'next')
          this.#ready.splice(this.#ready.indexOf(session), 1)
          session.resume()
        }
      } while (locks.breakDeadlock((owners) => this.#pick(owners as readonly ServerSession[], 'deadlock-victim')))
    } finally {
      this.#draining = false
    }
  }

  #pick(sessions: readonly ServerSession[], what: 'next' | 'deadlock-victim'): ServerSession {
    const index = sessions.length === 1 ? 0 : this.#choose(sessions, what)
    const session = sessions[index]
    if (session === undefined) throw new ConfigurationError(`choose() gave ${index} for one of ${sessions.length} sessions.`)
    return session
  }
}
