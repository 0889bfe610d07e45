import { channel } from 'node:diagnostics_channel'
import type { ClientConfig } from 'pg'
import { type Clock, backoffMs, exponential, sleep, systemClock, systemRandom } from 'seaworthy/core'
import type { PostgresDatabase } from './database.ts'
import { ReplicationSession } from './replication-session.ts'
import { ReplicationSlotError, type SlotLoss, type SlotNames, lookAtSlot, namesOf } from './replication-slot.ts'
import { restored } from './values.ts'
import { VisibleCommits } from './visible-commits.ts'

export interface ReplicationWakeUpOptions extends SlotNames {
  /** For looks at the slot: the outbox's own database. */
  readonly database: PostgresDatabase
  /** The same database once more, for the session that replicates: its role needs REPLICATION. No pooler in between. */
  readonly connection: string | ClientConfig
  /** How often a lost slot, or one that another process reads, is looked at again, in milliseconds. Default 10,000. */
  readonly lookAgainMs?: number
  readonly clock?: Clock
}

export type WakeUpStatus =
  /** Not connected, or not any more; tried again with back-off. */
  | { readonly kind: 'connecting'; readonly lastError: unknown }
  /** The relay is woken at each commit. */
  | { readonly kind: 'streaming'; readonly sinceMs: number }
  /** Another process reads the slot. This one takes over when that ends. */
  | { readonly kind: 'standing-by' }
  /** The slot is of no use. The relay looks by itself; replication goes on by itself when the slot is there again. */
  | { readonly kind: 'lost'; readonly error: ReplicationSlotError; readonly sinceMs: number }
  | { readonly kind: 'stopped' }

/** Wakes a relay. Hand it to the outbox store. */
export interface OutboxWakeUp {
  /** Calls `listener` with the topic of each commit that added a message. @returns a function that stops it */
  onAdded(listener: (topic: string) => void): () => void
}

export interface ReplicationWakeUp extends OutboxWakeUp {
  status(): WakeUpStatus
  /** Ends the session. The slot stays, and holds the server's log until somebody reads it again: drop it if nobody will. */
  stop(): Promise<void>
}

/** A slot was lost, or may have passed over commits. Published on the channel `seaworthy:wake-up.lost`. */
export interface WakeUpLost {
  readonly slot: string
  readonly error: ReplicationSlotError
}

const RECONNECT = exponential({ baseMs: 50, maxMs: 10_000, jitter: 'full' })
const LOSSES: Readonly<Record<SlotLoss, string>> = {
  missing:
    'There is no such slot: it was dropped, or this server was restored from a dump or promoted without it. Make it again with createOutboxReplication.',
  invalidated:
    'The server gave it up, because it held back more than max_slot_wal_keep_size. Drop it and make it again with createOutboxReplication.',
  foreign: 'It belongs to another database or plug-in. Choose another name.',
  'publication-missing': 'Its publication is gone. Make it again with createOutboxReplication.',
  recreated: 'It was dropped and made again, or moved on by somebody else, so that commits in between woke nobody.',
  'server-changed': 'Another server answers than before, or one that was promoted: commits in between may have woken nobody.',
}
// Without a word from the server for this long the session is given up; it is asked for one four times in between.
const SILENCE_MAX_MS = 60_000
const SNAPSHOT = 'SELECT pg_current_snapshot()::text AS snapshot'

const lostChannel = channel('seaworthy:wake-up.lost')
const restoredChannel = channel('seaworthy:wake-up.restored')

/**
 * Wakes the relay by logical replication: at each commit, also of programs that notify nobody, and without a NOTIFY.
 *
 * Replication only wakes. The relay reads the table, and what it reads is marked after the log's confirmation; so what replication skips or repeats
 * costs at most one `pollMs`; what it brings before it is visible wakes the relay once it is. What was received is acknowledged at once, so that the slot holds no log back. Whatever makes the slot
 * unsure is told loudly, on a channel and in the status, and the relay carries on from the table.
 */
export function startReplicationWakeUp(options: ReplicationWakeUpOptions): ReplicationWakeUp {
  return new SlotReader(options)
}

class SlotReader implements ReplicationWakeUp {
  readonly #database: PostgresDatabase
  readonly #config: ClientConfig
  readonly #names: Required<SlotNames>
  readonly #lookAgainMs: number
  readonly #clock: Clock
  readonly #listeners = new Set<(topic: string) => void>()
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #status: WakeUpStatus = { kind: 'connecting', lastError: undefined }
  /** Up to where was received, and from which server. */
  #received: string | undefined
  #server: string | undefined
  #attempts = 0

  constructor(options: ReplicationWakeUpOptions) {
    this.#database = options.database
    this.#config = typeof options.connection === 'string' ? { connectionString: options.connection } : options.connection
    this.#names = namesOf(options)
    this.#lookAgainMs = options.lookAgainMs ?? 10_000
    this.#clock = options.clock ?? systemClock
    this.#running = this.#run()
  }

  onAdded(listener: (topic: string) => void): () => void {
    const own = (topic: string) => listener(topic)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  status(): WakeUpStatus {
    return this.#status
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#status = { kind: 'stopped' }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      let pauseMs: number
      try {
        pauseMs = await this.#attempt()
      } catch (error) {
        if (signal.aborted) return
        this.#status = { kind: 'connecting', lastError: error }
        pauseMs = backoffMs(RECONNECT, ++this.#attempts, systemRandom)
      }
      await sleep(this.#clock, pauseMs, signal).catch(() => undefined)
    }
  }

  /** Streams until that ends, by an error. @returns how long to wait before the next attempt, where streaming makes no sense now */
  async #attempt(): Promise<number> {
    const look = await lookAtSlot(this.#database, this.#names, this.#received)
    const useless = uselessness(look)
    if (useless !== undefined) {
      this.#lose(useless)
      return this.#lookAgainMs
    }
    if (look.active === true) {
      // First of all the own session of before, which the server has not noticed the end of.
      if (++this.#attempts < 5) return backoffMs(RECONNECT, this.#attempts, systemRandom)
      this.#status = { kind: 'standing-by' }
      this.#received = undefined
      return this.#lookAgainMs
    }
    if (this.#server !== undefined && look.server !== this.#server) this.#tell('server-changed')
    else if (look.is_ahead === true) this.#tell('recreated')
    this.#server = look.server
    this.#received = look.confirmed ?? undefined
    return this.#stream()
  }

  async #stream(): Promise<never> {
    const { signal } = this.#stopping
    let heardMs = this.#clock.monotonicMs()
    // Of the transaction that is being received.
    let xid = 0
    let topics: Set<string> | undefined
    const commits = new VisibleCommits({
      snapshot: async () => (await this.#database.query<{ snapshot: string }>({ sql: SNAPSHOT }))[0]!.snapshot,
      onVisible: (topic) => this.#wake(topic),
      clock: this.#clock,
    })
    const session = new ReplicationSession({
      config: { application_name: 'seaworthy wake-up', ...this.#config },
      slot: this.#names.slot,
      publication: this.#names.publication,
      onStart: () => {
        this.#attempts = 0
        const wasLost = this.#status.kind === 'lost'
        this.#status = { kind: 'streaming', sinceMs: this.#clock.now() }
        if (wasLost && restoredChannel.hasSubscribers) restoredChannel.publish({ slot: this.#names.slot })
      },
      onMessage: (message) => {
        heardMs = this.#clock.monotonicMs()
        if (message.tag === 'begin') {
          xid = message.xid
          topics = new Set()
        } else if (message.tag === 'insert') topics?.add(restored(String(message.new['topic'])))
        else if (message.tag === 'commit') {
          commits.add(xid, topics ?? new Set())
          topics = undefined
          if (message.commitEndLsn !== null) session.acknowledge((this.#received = message.commitEndLsn))
        }
      },
      onHeartbeat: (lsn) => {
        heardMs = this.#clock.monotonicMs()
        // Between transactions everything before it is done with, the log of other tables included.
        if (topics === undefined) session.acknowledge((this.#received = lsn))
      },
      clock: this.#clock,
    })
    const onAbort = () => session.end(signal.reason)
    const listen = () => {
      if (this.#clock.monotonicMs() - heardMs > SILENCE_MAX_MS) session.end(new Error(`The server said nothing for ${SILENCE_MAX_MS} ms.`))
      else if (this.#received !== undefined && topics === undefined) session.acknowledge(this.#received, true)
      timer = this.#clock.timer(SILENCE_MAX_MS / 4, listen, { keepAlive: false })
    }
    let timer = this.#clock.timer(SILENCE_MAX_MS / 4, listen, { keepAlive: false })
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    try {
      return await session.stream()
    } finally {
      timer.cancel()
      commits.stop()
      signal.removeEventListener('abort', onAbort)
      await session.close()
    }
  }

  #wake(topic: string): void {
    for (const listener of this.#listeners) listener(topic)
  }

  #lose(loss: SlotLoss): void {
    // Once for each time that it is lost, not at each look.
    const known = this.#status.kind === 'lost' && this.#status.error.loss === loss
    if (!known) this.#status = { kind: 'lost', error: this.#tell(loss), sinceMs: this.#clock.now() }
    this.#received = undefined
  }

  #tell(loss: SlotLoss): ReplicationSlotError {
    const { slot } = this.#names
    const error = new ReplicationSlotError(
      slot,
      loss,
      `Slot ${slot} of ${this.#database.name}: ${LOSSES[loss]} No message is lost: the relay looks by itself meanwhile.`,
    )
    if (lostChannel.hasSubscribers) lostChannel.publish({ slot, error } satisfies WakeUpLost)
    return error
  }
}

/** Why the slot cannot be read at all, if so. */
function uselessness(look: Awaited<ReturnType<typeof lookAtSlot>>): SlotLoss | undefined {
  if (!look.exists) return 'missing'
  if (look.is_ours !== true) return 'foreign'
  if (look.is_lost === true) return 'invalidated'
  return look.is_published ? undefined : 'publication-missing'
}
