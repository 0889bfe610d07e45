import { channel } from 'node:diagnostics_channel'
import { type Clock, systemClock } from 'seaworthy/core'

/** Who has what others wait for. Whoever has not ended by the time of the look; none of them need be at fault. */
export type StallHolder =
  | {
      /** An open transaction of a session. */
      readonly kind: 'session'
      readonly pid: number
      readonly application: string | undefined
      readonly user: string | undefined
      /** The address of its client; undefined for a local one. */
      readonly client: string | undefined
      /** What it does, as in `active` or `idle in transaction`. Undefined, like `query`, where the role may not see it. */
      readonly state: string | undefined
      /** Its present statement or its last one, 200 characters at most. */
      readonly query: string | undefined
      /** How long its transaction has been open, in milliseconds. */
      readonly heldMs: number
      /** How many sessions wait behind it, directly or through others. */
      readonly behind: number
    }
  | {
      /** A transaction that was prepared for a two-phase commit, and is neither committed nor rolled back. It survives a restart of the server. */
      readonly kind: 'prepared-transaction'
      readonly gid: string
      readonly user: string | undefined
      readonly heldMs: number
      readonly behind: number
    }

/** An operation of an outbox that takes long. Published on the channel `seaworthy:outbox.stalled`. */
export interface OutboxStall {
  /** `add` waits for a key; `look`, `read` and `mark` are the relay's, which looks for topics, reads messages and marks those that were sent. */
  readonly operation: 'add' | 'look' | 'read' | 'mark'
  readonly topic: string | undefined
  /** Keys that are added to, ten at most. */
  readonly keys?: readonly string[]
  /** Since when, milliseconds since the epoch. */
  readonly sinceMs: number
  /** Empty when nobody holds a lock: then look at the server's load, its disk, and the network. Undefined when the look failed. */
  readonly holders: readonly StallHolder[] | undefined
}

/** It goes on. Published on the channel `seaworthy:outbox.stall-over`. */
export interface OutboxStallOver extends Pick<OutboxStall, 'operation' | 'topic'> {
  readonly stalledMs: number
}

export interface StallWatchOptions {
  /** Who holds up whoever waits. Absent: nothing is watched. */
  readonly explain: (() => Promise<readonly StallHolder[]>) | undefined
  /** How long an operation may take before it is asked about, in milliseconds. */
  readonly stallAfterMs: number
  readonly clock?: Clock
}

type Watched = Pick<OutboxStall, 'operation' | 'topic' | 'keys'>

const stalledChannel = channel('seaworthy:outbox.stalled')
const stallOverChannel = channel('seaworthy:outbox.stall-over')

/** Notices operations that take long, and only then asks who is in the way: while all is well, no question reaches the database. */
export class StallWatch {
  readonly #options: StallWatchOptions
  readonly #clock: Clock
  readonly #stalls = new Set<OutboxStall>()

  constructor(options: StallWatchOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** Operations that are held up now. */
  get stalls(): readonly OutboxStall[] {
    return [...this.#stalls]
  }

  async run<T>(watched: Watched, work: () => Promise<T>): Promise<T> {
    const { explain, stallAfterMs } = this.#options
    if (explain === undefined) return work()
    const sinceMs = this.#clock.now()
    const beganMs = this.#clock.monotonicMs()
    let stall: OutboxStall | undefined
    let over = false
    const ask = async () => {
      const holders = await explain().catch(() => undefined)
      if (over) return
      stall = { ...watched, sinceMs, holders }
      this.#stalls.add(stall)
      if (stalledChannel.hasSubscribers) stalledChannel.publish(stall)
    }
    const timer = this.#clock.timer(stallAfterMs, () => void ask(), { keepAlive: false })
    try {
      return await work()
    } finally {
      over = true
      timer.cancel()
      if (stall !== undefined) {
        this.#stalls.delete(stall)
        const { operation, topic } = watched
        const ended: OutboxStallOver = { operation, topic, stalledMs: Math.round(this.#clock.monotonicMs() - beganMs) }
        if (stallOverChannel.hasSubscribers) stallOverChannel.publish(ended)
      }
    }
  }
}
