import type { Channel, SyncMessage } from 'rabbitmq-client'
import { UnknownOutcomeError } from 'seaworthy/core'
import { answerWithin } from './answer.ts'
import type { BrokerConnection } from './broker.ts'
import { type DeadMessage, type StoredMessage, readDead } from './message-format.ts'
import { deadQueueOf } from './topology.ts'

export interface DeadLettersOptions {
  readonly name: string
  readonly deliveryLimit: number
  readonly answerTimeoutMs: number
}

/**
 * The queue of dead letters. RabbitMQ cannot look into a queue: to look is to take, and to put back. So while one looks, another finds less; in this
 * process they take turns.
 */
export class DeadLetters {
  readonly #connection: BrokerConnection
  readonly #options: DeadLettersOptions
  #turn: Promise<unknown> = Promise.resolve()

  constructor(connection: () => BrokerConnection, options: DeadLettersOptions) {
    this.#connection = connection()
    this.#options = options
  }

  /** The oldest first. */
  list(max: number): Promise<readonly DeadMessage[]> {
    return this.#look(async (next) => {
      const found: DeadMessage[] = []
      while (found.length < max) {
        const message = await next()
        if (message === undefined) break
        found.push(readDead(message, this.#options.deliveryLimit))
      }
      return found
    })
  }

  /**
   * Takes out those with these ids, the oldest first, each after `take` has put it elsewhere.
   * @returns how many there were
   */
  takeOut(ids: ReadonlySet<string>, take: (message: StoredMessage) => Promise<void>): Promise<number> {
    return this.#look(async (next, channel) => {
      const missing = new Set(ids)
      let taken = 0
      while (missing.size > 0) {
        const message = await next()
        if (message === undefined) break
        const { stored } = readDead(message, this.#options.deliveryLimit)
        if (!ids.has(stored.id)) continue
        await take(stored)
        channel.basicAck({ deliveryTag: message.deliveryTag })
        missing.delete(stored.id)
        taken++
      }
      return taken
    })
  }

  #look<T>(body: (next: () => Promise<SyncMessage | undefined>, channel: Channel) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => this.#lookNow(body))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #lookNow<T>(body: (next: () => Promise<SyncMessage | undefined>, channel: Channel) => Promise<T>): Promise<T> {
    const { name, answerTimeoutMs } = this.#options
    const queue = deadQueueOf(name)
    const channel = await this.#connection.channel()
    const answered = <A>(answer: Promise<A>) => answerWithin(answer, answerTimeoutMs, `Looking at the dead letters of the queue ${name}`)
    try {
      // What dies meanwhile is for the next look; without an end to it, one could look for ever.
      let { messageCount } = await answered(channel.queueDeclare({ queue, passive: true }))
      const next = async () => (messageCount-- > 0 ? answered(channel.basicGet({ queue })) : undefined)
      try {
        return await body(next, channel)
      } finally {
        if (channel.active) {
          // All that was not taken out, in the order in which it lay there.
          channel.basicNack({ deliveryTag: 0, multiple: true, requeue: true })
          await answered(channel.basicQos({ prefetchCount: 0 }))
        }
      }
    } catch (error) {
      if ((error as { name?: unknown }).name?.toString().startsWith('AMQP') !== true) throw error
      throw new UnknownOutcomeError(
        `The connection to RabbitMQ was lost while the dead letters of the queue ${name} were looked at. They are all there; some may have been put back as well.`,
        { cause: error },
      )
    } finally {
      await channel.close()
    }
  }
}
