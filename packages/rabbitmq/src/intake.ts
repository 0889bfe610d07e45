import type { Channel } from 'rabbitmq-client'
import { SeaworthyError, UnavailableError, Wakeup, systemClock } from 'seaworthy/core'
import { answerWithin } from './answer.ts'
import type { BrokerConnection } from './broker.ts'
import { type SessionOptions, Session } from './session.ts'

export interface IntakeOptions extends SessionOptions {
  /** Makes sure that the queue is there. */
  readonly declare: (channel: Channel) => Promise<void>
}

const REST_AFTER_MS = 1_000

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
  #rest: { cancel(): void } | undefined

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
    this.#rest?.cancel()
    return () => {
      this.#wanted -= messages
      this.#restSoon()
    }
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
    this.#rest?.cancel()
    await this.#opening?.catch(() => undefined)
    await this.#session?.close()
  }

  /** Where nobody asks any more, messages would still arrive in the places there are, and lie here while other processes are free. */
  #restSoon(): void {
    this.#rest?.cancel()
    this.#rest = systemClock.timer(
      REST_AFTER_MS,
      () => {
        if (this.#wanted === 0 && this.#session?.leased === 0) void this.#session.close()
      },
      { keepAlive: false },
    )
  }

  #openOnce(): Promise<Session> {
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #open(): Promise<Session> {
    const channel = await this.#connection.channel()
    const session = new Session(channel, this.#options, { onArrival: () => this.wakeup.wake(), onLeaseEnd: () => this.#restSoon() })
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
