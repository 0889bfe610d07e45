import { ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import type { DeadQueueMessage } from 'seaworthy/messaging'
import { BATCH_MAX } from './batches.ts'
import { type ReadMessage, SYSTEM_ATTRIBUTES, readMessage } from './message-format.ts'
import type { Requests } from './requests.ts'
import type { Wire } from './wire.ts'

export interface DeadLettersOptions {
  readonly name: string
  readonly url: string
  readonly deliveryLimit: number
}

// While one looks, others find less. A look that dies leaves them hidden for so long.
const LOOK_S = 60

/** The queue of dead letters. SQS cannot look into a queue: to look is to receive, and to let go again. In this process they take turns. */
export class DeadLetters {
  readonly #wire: Wire
  readonly #requests: Requests
  readonly #options: DeadLettersOptions
  #turn: Promise<unknown> = Promise.resolve()

  constructor(wire: Wire, requests: Requests, options: DeadLettersOptions) {
    this.#wire = wire
    this.#requests = requests
    this.#options = options
  }

  list(max: number): Promise<readonly DeadQueueMessage[]> {
    return this.#look(async (next) => {
      const found: ReadMessage[] = []
      while (found.length < max) {
        const some = await next(max - found.length)
        if (some.length === 0) break
        found.push(...some)
      }
      return found.map((message) => this.#dead(message)).toSorted((one, other) => one.diedAtMs - other.diedAtMs)
    })
  }

  /**
   * Takes out those with these ids, in the order in which they died, each after `take` has put it elsewhere.
   * @returns how many there were
   */
  takeOut(ids: ReadonlySet<string>, take: (message: ReadMessage) => Promise<void>): Promise<number> {
    return this.#look(async (next, release) => {
      const missing = new Set(ids)
      const found: ReadMessage[] = []
      while (missing.size > 0) {
        const some = await next(BATCH_MAX)
        if (some.length === 0) break
        for (const message of some) {
          missing.delete(message.stored.id)
          if (ids.has(message.stored.id)) found.push(message)
        }
      }
      for (const message of found.toSorted((one, other) => this.#dead(one).diedAtMs - this.#dead(other).diedAtMs)) {
        await take(message)
        await this.#requests.delete(message.stored.id, message.receiptHandle)
        release(message)
      }
      return found.length
    })
  }

  #look<T>(
    body: (next: (max: number) => Promise<readonly ReadMessage[]>, release: (message: ReadMessage) => void) => Promise<T>,
  ): Promise<T> {
    const turn = this.#turn.then(() => this.#lookNow(body))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #lookNow<T>(
    body: (next: (max: number) => Promise<readonly ReadMessage[]>, release: (message: ReadMessage) => void) => Promise<T>,
  ): Promise<T> {
    const taken = new Map<string, ReadMessage>()
    const next = async (max: number) => {
      // One that comes a second time says that the look has lasted for so long that it began anew.
      const some = (await this.#receive(max)).filter(({ messageId }) => !taken.has(messageId))
      for (const message of some) taken.set(message.messageId, message)
      return some
    }
    try {
      return await body(next, ({ messageId }) => taken.delete(messageId))
    } finally {
      const letGo = [...taken.values()].map(({ stored, receiptHandle }) => this.#requests.hide(stored.id, { receiptHandle, seconds: 0 }))
      // What cannot be let go shows again by itself.
      await Promise.allSettled(letGo)
    }
  }

  async #receive(max: number): Promise<readonly ReadMessage[]> {
    const { Messages: messages = [] } = await this.#wire.ask(
      (client, options) =>
        client.send(
          new ReceiveMessageCommand({
            QueueUrl: this.#options.url,
            MaxNumberOfMessages: Math.min(max, BATCH_MAX),
            VisibilityTimeout: LOOK_S,
            // Only who waits is answered from all of SQS's servers.
            WaitTimeSeconds: 1,
            MessageAttributeNames: ['All'],
            MessageSystemAttributeNames: [...SYSTEM_ATTRIBUTES],
          }),
          options,
        ),
      { what: `Looking at the dead letters of the SQS queue ${this.#options.name}`, changes: false, waitMs: 1_000 },
    )
    return messages.map(readMessage)
  }

  #dead({ stored, body, death, sentAtMs }: ReadMessage): DeadQueueMessage {
    const { deliveryLimit } = this.#options
    return {
      id: stored.id,
      body: body.kind === 'json' ? body.value : stored.json,
      attempts: death?.attempts ?? deliveryLimit,
      reason: death?.reason ?? `The lease of attempt ${deliveryLimit} ended without an answer: the worker hung, or died of it.`,
      // SQS does not say when it set a message aside, only when that was sent.
      diedAtMs: death?.diedAtMs ?? sentAtMs,
    }
  }
}
