import type { Channel, Envelope } from 'rabbitmq-client'
import { ConfigurationError, LimitExceededError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import { answerWithin, toldOf } from './answer.ts'
import type { BrokerConnection } from './broker.ts'

export interface PublisherOptions {
  /** For messages, as in `queue mails`. */
  readonly target: string
  /** What a message that came back means, and what to do. */
  readonly onReturned: string
  /** What a message that was refused means, and what to do. */
  readonly onRefused: string
  /** Makes what is published to, on each channel before its first message. */
  readonly declare?: (channel: Channel) => Promise<void>
  readonly answerTimeoutMs: number
  readonly unconfirmedMax: number
}

interface ConfirmingChannel {
  readonly channel: Channel
  /** How many messages of an id came back because no queue was there to take them, and have not been told of. */
  readonly returned: Map<string, number>
}

// All that are too long for the property share it: where one finds no queue, none does.
const LONG_ID = ''

/** Publishes under confirms: what `publish` settles with, a majority of the queue's nodes has written. */
export class Publisher {
  readonly #connection: BrokerConnection
  readonly #options: PublisherOptions
  #open: ConfirmingChannel | undefined
  #opening: Promise<ConfirmingChannel> | undefined
  #unconfirmed = 0

  constructor(connection: BrokerConnection, options: PublisherOptions) {
    this.#connection = connection
    this.#options = options
  }

  /**
   * @throws UnavailableError, LimitExceededError: surely not stored
   * @throws UnknownOutcomeError: the connection was lost, or no answer came in time; it may be stored
   */
  async publish(envelope: Envelope, body: Buffer): Promise<void> {
    const { target, onReturned, answerTimeoutMs, unconfirmedMax } = this.#options
    const { blocked } = this.#connection
    if (blocked !== undefined)
      throw new UnavailableError(`RabbitMQ takes no messages now (${blocked}). It goes on by itself when it has room again.`, {
        retryAfterMs: 1_000,
      })
    if (this.#unconfirmed >= unconfirmedMax)
      throw new LimitExceededError(
        `${this.#unconfirmed} messages to the ${target} wait for RabbitMQ to confirm them; unconfirmedMax is ${unconfirmedMax}. Send less at one time, and look at the broker.`,
        { retryAfterMs: 100 },
      )
    this.#unconfirmed++
    try {
      const { channel, returned } = await this.#channel()
      const confirmed = channel.basicPublish({ ...envelope, mandatory: true }, body)
      await answerWithin(confirmed, answerTimeoutMs, `A message to the ${target}`).catch((error: unknown) => {
        if (error instanceof UnknownOutcomeError) this.#giveUp(channel)
        throw this.#typed(error)
      })
      await toldOf()
      // A message that nobody takes is confirmed as well, right after it came back.
      const id = envelope.messageId ?? LONG_ID
      const comeBack = returned.get(id) ?? 0
      if (comeBack > 0) {
        if (comeBack === 1) returned.delete(id)
        else returned.set(id, comeBack - 1)
        throw new UnavailableError(onReturned)
      }
    } finally {
      this.#unconfirmed--
    }
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    await this.#open?.channel.close()
  }

  async #channel(): Promise<ConfirmingChannel> {
    // A channel may close at any moment, also while it is being opened.
    if (this.#open?.channel.active === true) return this.#open
    this.#opening ??= this.#openChannel().finally(() => (this.#opening = undefined))
    this.#open = await this.#opening
    return this.#open
  }

  /**
   * A quorum queue takes the messages of a channel in their order, so that whatever keeps one confirm back keeps back all that follow on the channel. Another
   * channel begins anew.
   */
  #giveUp(channel: Channel): void {
    if (this.#open?.channel === channel) this.#open = undefined
    void channel.close()
  }

  async #openChannel(): Promise<ConfirmingChannel> {
    const channel = await this.#connection.channel()
    const returned = new Map<string, number>()
    channel.on('basic.return', ({ messageId = LONG_ID }) => returned.set(messageId, (returned.get(messageId) ?? 0) + 1))
    try {
      await answerWithin(channel.confirmSelect(), this.#options.answerTimeoutMs, 'Confirms')
      await this.#options.declare?.(channel)
    } catch (error) {
      if (error instanceof ConfigurationError) throw error
      throw new UnavailableError(`The connection to RabbitMQ was lost before a message to the ${this.#options.target} was sent.`, {
        cause: error,
      })
    }
    return { channel, returned }
  }

  #typed(error: unknown): Error {
    if (error instanceof UnknownOutcomeError) return error
    const { target, onRefused } = this.#options
    if ((error as { code?: unknown }).code === 'NACK')
      return new LimitExceededError(`RabbitMQ refused a message to the ${target}: ${onRefused}`, { retryAfterMs: 1_000, cause: error })
    return new UnknownOutcomeError(
      `The connection to RabbitMQ was lost before a message to the ${target} was confirmed. It may be stored: send it again under the same id, and let its handler tell a repetition.`,
      { cause: error },
    )
  }
}
