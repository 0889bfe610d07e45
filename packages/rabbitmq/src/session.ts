import type { AsyncMessage, Channel } from 'rabbitmq-client'
import { type Clock, UnknownOutcomeError, nextMacrotask } from 'seaworthy/core'
import { answerWithin } from './answer.ts'
import { Lease } from './lease.ts'

export interface SessionOptions {
  /** Of the queue. */
  readonly name: string
  readonly inHandMax: number
  readonly answerTimeoutMs: number
  readonly clock: Clock
}

/** One channel's life. What is unanswered when it ends, the broker hands out again, and every lease of it is worth nothing. */
export class Session {
  readonly arrived: AsyncMessage[] = []
  readonly #channel: Channel
  readonly #options: SessionOptions
  readonly #on: { readonly onArrival: () => void; readonly onLeaseEnd: () => void }
  readonly #leases = new Set<Lease>()
  #places = 0
  #ringing = false
  #checking: Promise<void> | undefined
  #nextCheck: Promise<void> | undefined

  constructor(channel: Channel, options: SessionOptions, on: { onArrival: () => void; onLeaseEnd: () => void }) {
    this.#channel = channel
    this.#options = options
    this.#on = on
  }

  get leased(): number {
    return this.#leases.size
  }

  get isOpen(): boolean {
    return this.#channel.active
  }

  /** Adds places for those who wait, beside what is leased. */
  async makeRoom(wanted: number): Promise<void> {
    const more = Math.min(this.#options.inHandMax, this.#leases.size + wanted) - this.#places
    if (more <= 0) return
    this.#places += more
    // One after the other without a pause: the first says what the second gets.
    const limited = this.#channel.basicQos({ prefetchCount: more })
    const consuming = this.#channel.basicConsume({ queue: this.#options.name }, (message) => {
      this.arrived.push(message)
      this.#ring()
    })
    try {
      await this.#answered(Promise.all([limited, consuming]), 'Asking for messages')
    } catch (error) {
      // Whether these places are there is not known: another channel begins anew.
      void this.#channel.close()
      throw error
    }
  }

  /** Hands a message out, until it is answered or its time is up. */
  lease({ deliveryTag }: AsyncMessage, { id, leaseMs }: { id: string; leaseMs: number }): Lease {
    const onEnd = () => {
      this.#leases.delete(lease)
      this.#on.onLeaseEnd()
    }
    const lease: Lease = new Lease(this, { id, deliveryTag, leaseMs, clock: this.#options.clock, onEnd })
    this.#leases.add(lease)
    return lease
  }

  acknowledge(deliveryTag: number): Promise<void> {
    this.#channel.basicAck({ deliveryTag })
    return this.alive()
  }

  /** Back to the queue, where RabbitMQ counts it, or sets it aside. */
  giveBack(deliveryTag: number): Promise<void> {
    this.#channel.basicNack({ deliveryTag, requeue: true })
    return this.alive()
  }

  /**
   * Settles when the broker has taken what was said on this channel before. An acknowledgement has no answer of its own, and one that was
   * written to a connection whose other end is gone would pass for done. Those who ask at one time share a round trip.
   */
  alive(): Promise<void> {
    if (this.#checking === undefined) return this.#check()
    this.#nextCheck ??= this.#checkAfter(this.#checking)
    return this.#nextCheck
  }

  async close(): Promise<void> {
    await this.#channel.close()
  }

  /** @internal The channel is gone. */
  end(): void {
    this.arrived.length = 0
    for (const lease of this.#leases) lease.lose()
    this.#leases.clear()
    this.#on.onArrival()
  }

  async #checkAfter(former: Promise<void>): Promise<void> {
    await former.catch(() => undefined)
    this.#nextCheck = undefined
    await this.#check()
  }

  #check(): Promise<void> {
    // Says what the next consumer gets, and makeRoom says it anew.
    const answered = this.#answered(this.#channel.basicQos({ prefetchCount: 1 }), 'An answer for a message')
    this.#checking = answered.finally(() => (this.#checking = undefined))
    return this.#checking
  }

  async #answered(answer: Promise<unknown>, what: string): Promise<void> {
    try {
      await answerWithin(answer, this.#options.answerTimeoutMs, `${what} of the queue ${this.#options.name}`)
    } catch (error) {
      if (error instanceof UnknownOutcomeError) throw error
      throw new UnknownOutcomeError(
        `${what} of the queue ${this.#options.name}: the connection to RabbitMQ was lost before it was taken. A message that was not answered for is handed out again.`,
        { cause: error },
      )
    }
  }

  /** Rings once for all that came together. */
  #ring(): void {
    if (this.#ringing) return
    this.#ringing = true
    nextMacrotask(() => {
      this.#ringing = false
      this.#on.onArrival()
    })
  }
}
