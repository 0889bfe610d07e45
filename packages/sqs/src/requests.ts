import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  SendMessageBatchCommand,
  type BatchResultErrorEntry,
  type MessageAttributeValue,
} from '@aws-sdk/client-sqs'
import { LimitExceededError, UnavailableError } from 'seaworthy/core'
import { LeaseLostError } from 'seaworthy/messaging'
import { Batches } from './batches.ts'
import { SqsError, saysLeaseLost } from './errors.ts'
import type { Wire } from './wire.ts'

export interface Sending {
  readonly json: string
  readonly attributes: Record<string, MessageAttributeValue>
  readonly delayS: number
  /** Of a FIFO queue. */
  readonly fifo: { readonly group: string; readonly deduplicationId: string } | undefined
}

/** The requests that one queue makes, ten entries in each where that many are asked for at one time. */
export class Requests {
  readonly #wire: Wire
  readonly #name: string
  readonly #url: string
  readonly #unansweredMax: number
  readonly #sends: Batches<Sending>
  readonly #deletes: Batches<string>
  readonly #changes: Batches<{ readonly receiptHandle: string; readonly seconds: number }>
  #unanswered = 0

  constructor(
    wire: Wire,
    { name, url, unansweredMax, messageBytesMax }: { name: string; url: string; unansweredMax: number; messageBytesMax: number },
  ) {
    this.#wire = wire
    this.#name = name
    this.#url = url
    this.#unansweredMax = unansweredMax
    this.#sends = new Batches(messageBytesMax, (entries) => this.#sendAll(entries))
    this.#deletes = new Batches(messageBytesMax, (entries) => this.#deleteAll(entries))
    this.#changes = new Batches(messageBytesMax, (entries) => this.#changeAll(entries))
  }

  async send(message: Sending, bytes: number): Promise<void> {
    if (this.#unanswered >= this.#unansweredMax)
      throw new LimitExceededError(
        `${this.#unanswered} messages to the SQS queue ${this.#name} wait for an answer; unansweredMax is ${this.#unansweredMax}. Send less at one time.`,
        { retryAfterMs: 100 },
      )
    this.#unanswered++
    try {
      await this.#sends.add(message, bytes)
    } finally {
      this.#unanswered--
    }
  }

  /** @throws LeaseLostError when SQS says so */
  delete(id: string, receiptHandle: string): Promise<void> {
    return leaseLostOf(id, this.#deletes.add(receiptHandle))
  }

  /** How many seconds from now on a message stays hidden from others. @throws LeaseLostError when SQS says so */
  hide(id: string, change: { receiptHandle: string; seconds: number }): Promise<void> {
    return leaseLostOf(id, this.#changes.add(change))
  }

  async #sendAll(entries: readonly Sending[]): Promise<readonly (Error | undefined)[]> {
    const Entries = entries.map(({ json, attributes, delayS, fifo }, index) => ({
      Id: String(index),
      MessageBody: json,
      MessageAttributes: attributes,
      ...(delayS > 0 && { DelaySeconds: delayS }),
      ...(fifo !== undefined && { MessageGroupId: fifo.group, MessageDeduplicationId: fifo.deduplicationId }),
    }))
    const what = `Sending to the SQS queue ${this.#name}`
    const { Failed } = await this.#wire.ask(
      (client, options) => client.send(new SendMessageBatchCommand({ QueueUrl: this.#url, Entries }), options),
      { what, changes: true },
    )
    return failures(entries.length, { what, failed: Failed })
  }

  async #deleteAll(receiptHandles: readonly string[]): Promise<readonly (Error | undefined)[]> {
    const Entries = receiptHandles.map((receiptHandle, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }))
    const what = `Deleting from the SQS queue ${this.#name}`
    const { Failed } = await this.#wire.ask(
      (client, options) => client.send(new DeleteMessageBatchCommand({ QueueUrl: this.#url, Entries }), options),
      { what, changes: true },
    )
    return failures(receiptHandles.length, { what, failed: Failed })
  }

  async #changeAll(changes: readonly { receiptHandle: string; seconds: number }[]): Promise<readonly (Error | undefined)[]> {
    const Entries = changes.map(({ receiptHandle, seconds }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: seconds,
    }))
    const what = `Changing the lease of a message of the SQS queue ${this.#name}`
    const { Failed } = await this.#wire.ask(
      (client, options) => client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.#url, Entries }), options),
      { what, changes: true },
    )
    return failures(changes.length, { what, failed: Failed })
  }
}

/** SQS answers for each entry. One that failed had no effect. */
function failures(count: number, { what, failed }: { what: string; failed: BatchResultErrorEntry[] | undefined }): (Error | undefined)[] {
  const errors: (Error | undefined)[] = Array.from({ length: count })
  for (const { Id, Code = '', Message = '', SenderFault } of failed ?? []) {
    // As SQS writes it with and without its name in front.
    const cause = Object.assign(new Error(Message), { name: Code.replace(/^AWS\.SimpleQueueService\./, '') })
    errors[Number(Id)] =
      SenderFault === true || saysLeaseLost(cause)
        ? new SqsError(`${what}: SQS refused it: ${Message}`, Code, { cause })
        : new UnavailableError(`${what}: SQS failed (${Code}: ${Message}).`, { retryAfterMs: 1_000, cause })
  }
  return errors
}

async function leaseLostOf(id: string, request: Promise<void>): Promise<void> {
  try {
    await request
  } catch (error) {
    if (saysLeaseLost((error as { cause?: unknown }).cause)) throw new LeaseLostError(id, { cause: error })
    throw error
  }
}
