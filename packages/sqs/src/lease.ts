import type { Clock } from 'seaworthy/core'
import { LeaseLostError } from 'seaworthy/messaging'

/**
 * What this process may do with a message that it received, and for how long. SQS counts in whole seconds and deletes on standard queues also under a
 * receipt whose time is up; so the time is kept here, and SQS is asked for a second more.
 */
export class Lease {
  readonly receiptHandle: string
  readonly #id: string
  readonly #clock: Clock
  #endsAtMs: number
  #answered = false

  constructor(options: { id: string; receiptHandle: string; leaseMs: number; clock: Clock }) {
    this.receiptHandle = options.receiptHandle
    this.#id = options.id
    this.#clock = options.clock
    this.#endsAtMs = options.clock.monotonicMs() + options.leaseMs
  }

  get leftMs(): number {
    return this.#answered ? 0 : Math.max(0, this.#endsAtMs - this.#clock.monotonicMs())
  }

  /** Says so to SQS, once, if there is still time. */
  async answer(say: () => Promise<void>): Promise<void> {
    this.#assertHeld()
    this.#answered = true
    try {
      await say()
    } catch (error) {
      // What surely had no effect may be tried again, in the time that is left.
      if ((error as { executed?: unknown }).executed === 'no' && !(error instanceof LeaseLostError)) this.#answered = false
      throw error
    }
  }

  async extend(leaseMs: number, say: () => Promise<void>): Promise<void> {
    this.#assertHeld()
    const fromMs = this.#clock.monotonicMs()
    await say()
    this.#assertHeld()
    this.#endsAtMs = fromMs + leaseMs
  }

  #assertHeld(): void {
    if (this.leftMs <= 0) throw new LeaseLostError(this.#id)
  }
}

// What SQS keeps a message from others at most, in seconds: 12 hours from when it was received.
const VISIBILITY_S_MAX = 43_200

/** For how many seconds SQS is asked to keep a message from others. Undefined when that is more than it does. */
export function visibilityS(leaseMs: number): number | undefined {
  const seconds = Math.ceil(leaseMs / 1_000) + 1
  return seconds > VISIBILITY_S_MAX ? undefined : seconds
}

/** For how many seconds a message that was given back waits. Undefined when that is more than SQS does. */
export function pauseS(delayMs: number): number | undefined {
  const seconds = Math.ceil(delayMs / 1_000)
  return seconds > VISIBILITY_S_MAX ? undefined : seconds
}
