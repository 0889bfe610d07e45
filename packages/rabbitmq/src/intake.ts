import type { AsyncMessage, Channel } from 'rabbitmq-client'
import { type Clock, SeaworthyError, UnavailableError, UnknownOutcomeError, Wakeup, nextMacrotask } from 'seaworthy/core'
import { LeaseLostError } from 'seaworthy/messaging'
import { answerWithin } from './answer.ts'
import type { BrokerConnection } from './broker.ts'

export interface IntakeOptions {
  /** Of the queue. */
  readonly name: string
  readonly inHandMax: number
  readonly answerTimeoutMs: number
  readonly clock: Clock
  /** Makes sure that the queue is there. */
  readonly declare: (channel: Channel) => Promise<void>
}

/**
 * What comes from the broker to this process. A consumer's prefetch is what it may have unanswered, so there are as many places as callers have
 * asked for at one time, and no more: a message does not wait here while another process is free. (Cancelling a consumer instead loses sight of what is
 * on its way at that moment.)
 */
export class Intake {
  /** Rings when something arrived, came back, or ended. */
  readonly wakeup = new Wakeup()
  readonly #connection: BrokerConnection
  readonly #options: IntakeOptions
  #opening: Promise<Session> | undefined
  #session: Session | undefined
  #wanted = 0

  constructor(connection: BrokerConnection, options: IntakeOptions) {
    this.#connection = connection
    this.#options = options
  }

  /** Messages that arrived and were not handed out, and those that were. */
  get counts(): { readonly waiting: number; readonly leased: number } {
    return { waiting: this.#session?.arrived.length ?? 0, leased: this.#session?.leased ?? 0 }
  }

  /** Says that somebody waits for so many messages, until the function that comes is called. */
  want(messages: number): () => void {
    this.#wanted += messages
    return () => void (this.#wanted -= messages)
  }

  /** The channel that messages come by, with places for all who wait. @throws UnavailableError without a connection */
  async session(): Promise<Session> {
    // A channel may close at any moment, also while it is being opened.
    if (this.#session?.isOpen === false) this.#session = undefined
    const session = this.#session ?? (await this.#openOnce())
    await session.makeRoom(this.#wanted)
    return session
  }

  /** What was handed out, and what was not, goes back to the queue. */
  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    await this.#session?.close()
  }

  #openOnce(): Promise<Session> {
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #open(): Promise<Session> {
    const channel = await this.#connection.channel()
    const session = new Session(channel, this.#options, () => this.wakeup.wake())
    channel.on('close', () => session.end())
    // The queue was deleted, or lost its leader: another session finds out.
    channel.on('basic.cancel', () => void channel.close())
    try {
      await answerWithin(this.#options.declare(channel), this.#options.answerTimeoutMs, `Opening the queue ${this.#options.name}`)
    } catch (error) {
      if (error instanceof SeaworthyError) throw error
      throw new UnavailableError(`The connection to RabbitMQ was lost while the queue ${this.#options.name} was opened.`, { cause: error })
    }
    this.#session = session
    return session
  }
}

/** One channel's life. What is unanswered when it ends, the broker hands out again, and every lease of it is worth nothing. */
export class Session {
  readonly arrived: AsyncMessage[] = []
  readonly #channel: Channel
  readonly #options: IntakeOptions
  readonly #wake: () => void
  readonly #leases = new Set<Lease>()
  #places = 0
  #ringing = false
  #checking: Promise<void> | undefined
  #nextCheck: Promise<void> | undefined

  constructor(channel: Channel, options: IntakeOptions, wake: () => void) {
    this.#channel = channel
    this.#options = options
    this.#wake = wake
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
    await this.#answered(Promise.all([limited, consuming]), 'Asking for messages')
  }

  /** Hands a message out, until it is answered or its time is up. */
  lease({ deliveryTag }: AsyncMessage, { id, leaseMs }: { id: string; leaseMs: number }): Lease {
    const lease: Lease = new Lease(this, { id, deliveryTag, leaseMs, clock: this.#options.clock, onEnd: () => this.#leases.delete(lease) })
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
    this.#wake()
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
      this.#wake()
    })
  }
}

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
    if (this.#state !== 'answering') throw new LeaseLostError(this.#id)
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
