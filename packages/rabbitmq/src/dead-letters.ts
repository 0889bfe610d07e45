import type { SyncMessage } from 'rabbitmq-client'
import { UnknownOutcomeError, sleep, systemClock } from 'seaworthy/core'
import { answerWithin } from './answer.ts'
import type { BrokerConnection } from './broker.ts'
import { type DeadMessage, type StoredMessage, readDead } from './message-format.ts'
import { deadQueueOf } from './topology.ts'

export interface DeadLettersOptions {
  readonly name: string
  readonly deliveryLimit: number
  readonly answerTimeoutMs: number
}

interface Look {
  /** The next one that was there at the beginning. */
  readonly next: () => Promise<SyncMessage | undefined>
  readonly takeOut: (message: SyncMessage) => void
}

const PUT_BACK_WITHIN_MS = 1_000
const LOOK_AGAIN_MS = 5

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
    return this.#look(async ({ next }) => {
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
    return this.#look(async ({ next, takeOut }) => {
      const missing = new Set(ids)
      let taken = 0
      while (missing.size > 0) {
        const message = await next()
        if (message === undefined) break
        const { stored } = readDead(message, this.#options.deliveryLimit)
        if (!ids.has(stored.id)) continue
        await take(stored)
        takeOut(message)
        missing.delete(stored.id)
        taken++
      }
      return taken
    })
  }

  #look<T>(body: (look: Look) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => this.#lookNow(body))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #lookNow<T>(body: (look: Look) => Promise<T>): Promise<T> {
    const { name, answerTimeoutMs } = this.#options
    const queue = deadQueueOf(name)
    const channel = await this.#connection.channel()
    const answered = <A>(answer: Promise<A>) => answerWithin(answer, answerTimeoutMs, `Looking at the dead letters of the queue ${name}`)
    try {
      // What dies meanwhile is for the next look; without an end to it, one could look for ever.
      const count = async () => (await answered(channel.queueDeclare({ queue, passive: true }))).messageCount
      let unseen = await count()
      let held = 0
      const next = async () => {
        const message = unseen-- > 0 ? await answered(channel.basicGet({ queue })) : undefined
        if (message !== undefined) held++
        return message
      }
      const takeOut = ({ deliveryTag }: SyncMessage) => {
        channel.basicAck({ deliveryTag })
        held--
      }
      try {
        return await body({ next, takeOut })
      } finally {
        if (channel.active && held > 0) {
          const before = await count()
          // All that was not taken out, in the order in which it lay there.
          channel.basicNack({ deliveryTag: 0, multiple: true, requeue: true })
          // The next look is to find it, and the broker says nothing when it is back.
          const untilMs = systemClock.monotonicMs() + PUT_BACK_WITHIN_MS
          while ((await count()) < before + held && systemClock.monotonicMs() < untilMs) await sleep(systemClock, LOOK_AGAIN_MS)
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
