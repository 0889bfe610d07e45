import { ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import { type Clock, Wakeup } from 'seaworthy/core'
import { BATCH_MAX } from './batches.ts'
import { Lease, visibilityS } from './lease.ts'
import { type ReadMessage, SYSTEM_ATTRIBUTES, readMessage } from './message-format.ts'
import type { Wire } from './wire.ts'

/** A message that was received, and for how long. */
export interface Received {
  readonly message: ReadMessage
  readonly lease: Lease
  /** When it came, on the monotonic clock. */
  readonly atMs: number
}

const LONG_POLL_S_MAX = 20

/**
 * Receives for one queue. A poll that nobody waits for any more is not cut off: SQS may just have handed it a message, which then nobody would get until
 * its lease ends. It runs to its end, and what it brings is for the next who asks.
 */
export class Polling {
  /** Rings when a poll has ended, or the queue was closed. */
  readonly wakeup = new Wakeup()
  readonly #wire: Wire
  readonly #options: { readonly name: string; readonly url: string; readonly clock: Clock }
  readonly #arrived: Received[] = []

  constructor(wire: Wire, options: { name: string; url: string; clock: Clock }) {
    this.#wire = wire
    this.#options = options
  }

  /** What came and was not taken, as long as it is held. */
  take(max: number): Received[] {
    const taken: Received[] = []
    while (taken.length < max) {
      const next = this.#arrived.shift()
      if (next === undefined) break
      if (next.lease.leftMs > 0) taken.push(next)
    }
    return taken
  }

  putBack(received: Received): void {
    this.#arrived.unshift(received)
  }

  /** Asks SQS once, for at most ten messages, for as long as it may wait for the first. Never rejects. @param ended told of the error, if it failed */
  async poll(
    { max, leaseMs, waitMs }: { max: number; leaseMs: number; waitMs: number },
    ended: (failure: { readonly error: unknown } | undefined) => void,
  ): Promise<void> {
    const { name, url, clock } = this.#options
    const waitS = Math.min(LONG_POLL_S_MAX, Math.floor(waitMs / 1_000))
    try {
      const { Messages: messages = [] } = await this.#wire.ask(
        (client, options) =>
          client.send(
            new ReceiveMessageCommand({
              QueueUrl: url,
              MaxNumberOfMessages: Math.min(max, BATCH_MAX),
              VisibilityTimeout: visibilityS(leaseMs)!,
              WaitTimeSeconds: waitS,
              MessageAttributeNames: ['All'],
              MessageSystemAttributeNames: [...SYSTEM_ATTRIBUTES],
            }),
            options,
          ),
        { what: `Receiving from the SQS queue ${name}`, changes: false, waitMs: waitS * 1_000 },
      )
      const atMs = clock.monotonicMs()
      for (const message of messages.map(readMessage)) {
        const { receiptHandle, stored } = message
        this.#arrived.push({ message, lease: new Lease({ id: stored.id, receiptHandle, leaseMs, clock }), atMs })
      }
      ended(undefined)
    } catch (error) {
      ended({ error })
    } finally {
      this.wakeup.wake()
    }
  }

  /** What nobody took, to be let go. */
  drain(): Received[] {
    return this.#arrived.splice(0)
  }
}
