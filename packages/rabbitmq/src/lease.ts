import { type Clock, UnknownOutcomeError } from 'seaworthy/core'
import { LeaseLostError } from 'seaworthy/messaging'
import type { Session } from './session.ts'

/**
 * - `held`: until its time is up.
 * - `answering`: an answer is on its way; the time stands still, so that the same message is not given back beside it.
 * - `ended`: answered, or lost.
 */
type LeaseState = 'held' | 'answering' | 'ended'

/** A message that was handed out. */
export class Lease {
  readonly #session: Session
  readonly #id: string
  readonly #deliveryTag: number
  readonly #clock: Clock
  readonly #onEnd: () => void
  #state: LeaseState = 'held'
  #endsAtMs = 0
  #timer: { cancel(): void } | undefined

  constructor(session: Session, options: { id: string; deliveryTag: number; leaseMs: number; clock: Clock; onEnd: () => void }) {
    this.#session = session
    this.#id = options.id
    this.#deliveryTag = options.deliveryTag
    this.#clock = options.clock
    this.#onEnd = options.onEnd
    this.#holdFor(options.leaseMs)
  }

  acknowledge(): Promise<void> {
    return this.#answer(() => this.#session.acknowledge(this.#deliveryTag))
  }

  giveBack(): Promise<void> {
    return this.#answer(() => this.#session.giveBack(this.#deliveryTag))
  }

  /** Acknowledges once `instead` has been done, such as publishing the message somewhere else. Holds on to it when that fails. */
  async replace(instead: () => Promise<void>): Promise<void> {
    this.#assertHeld()
    this.#state = 'answering'
    this.#timer?.cancel()
    try {
      await instead()
    } catch (error) {
      if (this.#state === 'answering') {
        this.#state = 'held'
        this.#holdFor(Math.max(0, this.#endsAtMs - this.#clock.monotonicMs()))
      }
      throw error
    }
    if (this.#state !== 'answering')
      throw new UnknownOutcomeError(
        `The connection to RabbitMQ was lost after message ${this.#id} was published anew, and before it was acknowledged: it comes again as well.`,
      )
    this.#state = 'held'
    await this.acknowledge()
  }

  async extend(leaseMs: number): Promise<void> {
    this.#assertHeld()
    this.#timer?.cancel()
    this.#holdFor(leaseMs)
    // A broker that does not answer may have handed it to somebody else already.
    await this.#session.alive()
    this.#assertHeld()
  }

  /** @internal The channel is gone, and the broker hands the message out again. */
  lose(): void {
    this.#state = 'ended'
    this.#timer?.cancel()
  }

  async #answer(say: () => Promise<void>): Promise<void> {
    this.#assertHeld()
    this.#end()
    await say()
  }

  #holdFor(leaseMs: number): void {
    this.#endsAtMs = this.#clock.monotonicMs() + leaseMs
    // RabbitMQ has no leases: it waits for as long as the channel lives. So whoever holds a message too long loses it here.
    this.#timer = this.#clock.timer(leaseMs, () => {
      this.#end()
      // A connection that is lost gives everything back by itself.
      if (this.#session.isOpen) this.#session.giveBack(this.#deliveryTag).catch(() => undefined)
    })
  }

  #end(): void {
    this.#state = 'ended'
    this.#timer?.cancel()
    this.#onEnd()
  }

  #assertHeld(): void {
    if (this.#state !== 'held' || !this.#session.isOpen) throw new LeaseLostError(this.#id)
  }
}
