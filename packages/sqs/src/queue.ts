import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { type Clock, ConfigurationError, LimitExceededError, UnavailableError, UnsupportedError, systemClock } from 'seaworthy/core'
import {
  type DeadQueueMessage,
  type Delivery,
  type NewQueueMessage,
  type Queue,
  type QueueStatus,
  LeaseLostError,
} from 'seaworthy/messaging'
import { DeadLetters } from './dead-letters.ts'
import { pauseS, visibilityS } from './lease.ts'
import { type StoredMessage, attributesOf, bytesOf, shortName, storable } from './message-format.ts'
import { type Received, Polling } from './polling.ts'
import { type Provisioned, isFifo, provision } from './provision.ts'
import { Requests } from './requests.ts'
import { Wire } from './wire.ts'

export interface SqsQueueOptions {
  /** Of the queue; with `.fifo` at its end it is a FIFO queue. That of its dead letters is called `NAME-dead`, or `NAME-dead.fifo`. */
  readonly name: string
  /** How often a message is handed out before it is set aside; the `maxReceiveCount` of the redrive policy. Default 5. */
  readonly deliveryLimit?: number
  /** Size of a body at most, in bytes of JSON. Default 1,000,000. SQS's own limit, for body and attributes together, holds beside it. */
  readonly bodyBytesMax?: number
  /** Sends that wait for SQS's answer at most; one more is refused. Default 10,000. */
  readonly unansweredMax?: number
  /** How long SQS may take to answer, with all attempts of the SDK, before the outcome counts as unknown. Default 10,000 ms. */
  readonly answerTimeoutMs?: number
  /**
   * Of a FIFO queue: which messages are handed out one after another. While one of a group is leased, or waits after a rejection, the others of its group
   * wait. Default: each message is a group of its own.
   */
  readonly groupOf?: (message: NewQueueMessage) => string
  readonly clock?: Clock
}

const DEFAULTS = { deliveryLimit: 5, bodyBytesMax: 1_000_000, unansweredMax: 10_000, answerTimeoutMs: 10_000 }
const DELAY_S_MAX = 900
// Between short polls, when less is left than the second that a long one waits.
const LOOK_AGAIN_MS = 200
// Every poll ends by itself; this is only longer than any.
const POLL_ENDS_WITHIN_MS = 3_600_000
const LEASE_TOLERANCE_MS = 250

/**
 * A queue of Amazon SQS, standard or FIFO, for any number of processes. Makes the queue and that of its dead letters if they are not there.
 *
 * On a standard queue ids are not remembered: what is sent twice comes twice. On a FIFO queue an id is remembered for SQS's five minutes.
 * @param client its credentials, region and retries are the SDK's
 */
export async function openSqsQueue(client: SQSClient, options: SqsQueueOptions): Promise<Queue> {
  const settings = { clock: systemClock, groupOf: ({ id }: NewQueueMessage) => id, ...DEFAULTS, ...options }
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = settings[name]
    if (!Number.isInteger(value) || value < 1) throw new ConfigurationError(`${name} of a queue is a whole number from 1, not ${value}.`)
  }
  if (settings.deliveryLimit > 1_000) throw new ConfigurationError('deliveryLimit of an SQS queue is at most 1,000.')
  if (options.groupOf !== undefined && !isFifo(options.name))
    throw new ConfigurationError(`groupOf is for FIFO queues, whose name ends with ".fifo": ${options.name} has no groups.`)
  const wire = new Wire(client, settings.answerTimeoutMs)
  return new SqsQueue(wire, settings, await provision(wire, settings))
}

type Settings = Required<SqsQueueOptions>

class SqsQueue implements Queue {
  readonly #wire: Wire
  readonly #settings: Settings
  readonly #fifo: boolean
  readonly #provisioned: Provisioned
  readonly #requests: Requests
  readonly #deadRequests: Requests
  readonly #deadLetters: DeadLetters
  readonly #polling: Polling
  #closed = false

  constructor(wire: Wire, settings: Settings, provisioned: Provisioned) {
    const { name, deliveryLimit, unansweredMax, clock } = settings
    const { url, deadUrl, messageBytesMax } = provisioned
    this.#wire = wire
    this.#settings = settings
    this.#fifo = isFifo(name)
    this.#provisioned = provisioned
    this.#requests = new Requests(wire, { name, url, unansweredMax, messageBytesMax })
    this.#deadRequests = new Requests(wire, { name: `${name} (dead letters)`, url: deadUrl, unansweredMax, messageBytesMax })
    this.#deadLetters = new DeadLetters(wire, this.#deadRequests, { name, url: deadUrl, deliveryLimit })
    this.#polling = new Polling(wire, { name, url, clock })
  }

  async send(message: NewQueueMessage): Promise<void> {
    this.#assertOpen()
    const stored: StoredMessage = { id: message.id, json: this.#serialized(message), context: message.context }
    const delayS = this.#delayS(message)
    const attributes = attributesOf(stored, delayS === 0 ? {} : { delayMs: delayS * 1_000 })
    const bytes = bytesOf(stored.json, attributes)
    const { messageBytesMax } = this.#provisioned
    if (bytes > messageBytesMax)
      throw new LimitExceededError(
        `Message ${message.id} is ${bytes} bytes long with its attributes; the SQS queue ${this.#settings.name} takes ${messageBytesMax}. Store what is large elsewhere and send where it is.`,
        { final: true },
      )
    const fifo = this.#fifo ? { group: shortName(this.#settings.groupOf(message)), deduplicationId: shortName(message.id) } : undefined
    await this.#requests.send({ json: stored.json, attributes, delayS, fifo }, bytes)
  }

  async receive(options: { max: number; leaseMs: number; waitMs: number; signal?: AbortSignal }): Promise<readonly Delivery[]> {
    const { max, signal } = options
    const leaseMs = milliseconds(options.leaseMs, 'leaseMs')
    if (!(max >= 1) || leaseMs === 0) throw new ConfigurationError('A receive asks for at least 1 message and a lease of at least 1 ms.')
    if (visibilityS(leaseMs) === undefined) throw leaseTooLong(leaseMs)
    const { clock } = this.#settings
    const { wakeup } = this.#polling
    const deadlineMs = clock.monotonicMs() + options.waitMs
    let poll: 'none' | 'running' | 'ended' = 'none'
    let failure: { readonly error: unknown } | undefined
    const ended = (failed: typeof failure) => {
      poll = 'ended'
      failure = failed
    }
    for (;;) {
      this.#assertOpen()
      signal?.throwIfAborted()
      const { count } = wakeup
      const deliveries = await this.#lend(this.#polling.take(max), leaseMs)
      if (deliveries.length > 0) return deliveries
      if (failure !== undefined) throw failure.error
      const leftMs = Math.max(0, deadlineMs - clock.monotonicMs())
      const state = poll as 'none' | 'running' | 'ended'
      if (state === 'ended' && leftMs === 0) return []
      if (state === 'ended' && leftMs < 1_000) {
        // Less than a long poll takes: it looks now and then.
        poll = 'none'
        await wakeup.wait(count, { clock, waitMs: Math.min(leftMs, LOOK_AGAIN_MS), signal })
        continue
      }
      if (state !== 'running') {
        poll = 'running'
        void this.#polling.poll({ max, leaseMs, waitMs: leftMs }, ended)
      }
      // Whosever poll ends first: what it brings may be for this one.
      await wakeup.wait(count, { clock, waitMs: POLL_ENDS_WITHIN_MS, signal })
    }
  }

  /** As SQS counts them: approximately, on a queue that is in use. */
  async status(): Promise<QueueStatus> {
    this.#assertOpen()
    const { url, deadUrl } = this.#provisioned
    const [own, dead] = await Promise.all([this.#count(url), this.#count(deadUrl)])
    return { ...own, dead: dead.ready + dead.delayed + dead.leased }
  }

  async deadLetters({ max }: { max: number }): Promise<readonly DeadQueueMessage[]> {
    this.#assertOpen()
    return this.#deadLetters.list(max)
  }

  async requeueDead(ids: readonly string[]): Promise<number> {
    this.#assertOpen()
    if (ids.length === 0) return 0
    return this.#deadLetters.takeOut(new Set(ids), async ({ stored, messageId }) => {
      const attributes = attributesOf(stored)
      const { id, context } = stored
      const group = this.#settings.groupOf({ id, context, body: JSON.parse(stored.json) as unknown })
      // Under its own id it would be dropped as a repetition of itself. If this is cut off and done again, the second is one of the first.
      const fifo = this.#fifo ? { group: shortName(group), deduplicationId: messageId } : undefined
      await this.#requests.send({ json: stored.json, attributes, delayS: 0, fifo }, bytesOf(stored.json, attributes))
    })
  }

  /** Ends those who wait. What was handed out is answered for no more, and comes again when its lease ends. The client is its owner's to destroy. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#polling.wakeup.wake()
    const unused = this.#polling
      .drain()
      .map(({ message, lease }) => this.#requests.hide(message.stored.id, { receiptHandle: lease.receiptHandle, seconds: 0 }))
    await Promise.allSettled(unused)
    this.#wire.close()
  }

  async #lend(received: readonly Received[], leaseMs: number): Promise<Delivery[]> {
    const deliveries: Delivery[] = []
    for (const [index, each] of received.entries()) {
      try {
        const delivery = await this.#deliveryOf(each, leaseMs)
        if (delivery !== undefined) deliveries.push(delivery)
      } catch (error) {
        // It comes again when its lease ends; what is behind it is for the next who asks.
        for (const rest of received.slice(index + 1).toReversed()) this.#polling.putBack(rest)
        // What was leased must reach its caller, before the error.
        if (deliveries.length === 0) throw error
        break
      }
    }
    return deliveries
  }

  /** Undefined for a message that was lost meanwhile, or that nobody may get: it is set aside. */
  async #deliveryOf(received: Received, leaseMs: number): Promise<Delivery | undefined> {
    const { message, lease } = received
    const { stored, body, attempt } = message
    if (body.kind === 'unreadable') {
      await this.#bury(received, { attempts: attempt - 1, reason: 'It cannot be read: its body is no JSON.' })
      return undefined
    }
    // It lay here for a while, or was received for another time.
    if (Math.abs(lease.leftMs - leaseMs) > LEASE_TOLERANCE_MS) {
      try {
        await lease.extend(leaseMs, () => this.#hide(message, visibilityS(leaseMs)!))
      } catch (error) {
        if (error instanceof LeaseLostError) return undefined
        throw error
      }
    }
    const readyForMs = this.#readyForMs(received)
    return {
      id: stored.id,
      body: body.value,
      context: stored.context,
      attempt,
      ...(readyForMs !== undefined && { readyForMs }),
      acknowledge: () => lease.answer(() => this.#requests.delete(stored.id, message.receiptHandle)),
      extend: async (moreMs) => {
        const extensionMs = milliseconds(moreMs, 'leaseMs')
        const seconds = visibilityS(extensionMs)
        if (seconds === undefined) throw leaseTooLong(extensionMs)
        await lease.extend(extensionMs, () => this.#hide(message, seconds))
      },
      reject: async ({ reason, delayMs = 0, dead = false }) => {
        const seconds = pauseS(milliseconds(delayMs, 'delayMs'))
        if (dead || attempt >= this.#settings.deliveryLimit) {
          await this.#bury(received, { attempts: attempt, reason })
        } else if (seconds === undefined) {
          throw new LimitExceededError(`SQS keeps a message that was given back for 12 hours at most, not for ${delayMs} ms.`, {
            final: true,
          })
        } else {
          await lease.answer(() => this.#hide(message, seconds))
        }
      },
    }
  }

  /** In SQS, by its clock, and since then here, by ours: no two clocks are held against each other. */
  #readyForMs({ message: { inQueueMs, delayMs = this.#provisioned.delayMs }, atMs }: Received): number | undefined {
    return inQueueMs === undefined ? undefined : Math.max(0, inQueueMs - delayMs) + (this.#settings.clock.monotonicMs() - atMs)
  }

  /** To the dead letters first: what dies in between is there and comes again, and is not lost. */
  #bury({ message, lease }: Received, { attempts, reason }: { attempts: number; reason: string }): Promise<void> {
    const { stored, messageId, receiptHandle } = message
    const attributes = attributesOf(stored, { attempts, reason, diedAtMs: this.#settings.clock.now() })
    const fifo = this.#fifo ? { group: shortName(stored.id), deduplicationId: messageId } : undefined
    return lease.answer(async () => {
      await this.#deadRequests.send({ json: stored.json, attributes, delayS: 0, fifo }, bytesOf(stored.json, attributes))
      await this.#requests.delete(stored.id, receiptHandle)
    })
  }

  #hide({ stored, receiptHandle }: Received['message'], seconds: number): Promise<void> {
    return this.#requests.hide(stored.id, { receiptHandle, seconds })
  }

  async #count(url: string): Promise<{ ready: number; delayed: number; leased: number }> {
    const { Attributes = {} } = await this.#wire.ask(
      (client, options) => client.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...COUNTS] }), options),
      { what: `Counting the messages of the SQS queue ${this.#settings.name}`, changes: false },
    )
    const [ready, delayed, leased] = COUNTS.map((name) => Number(Attributes[name] ?? 0))
    return { ready: ready!, delayed: delayed!, leased: leased! }
  }

  #delayS({ id, delayMs = 0 }: NewQueueMessage): number {
    const seconds = Math.ceil(milliseconds(delayMs, 'delayMs') / 1_000)
    if (seconds > 0 && this.#fifo)
      throw new UnsupportedError(
        `A FIFO queue of SQS delays no single message (${id}). Use a standard queue, or set the delay of the whole queue.`,
      )
    if (seconds > DELAY_S_MAX)
      throw new LimitExceededError(
        `SQS delays a message for ${DELAY_S_MAX} s at most; ${id} was to wait for ${seconds} s. Keep what is due later in a table, and send it when its time comes near.`,
        { final: true },
      )
    return seconds
  }

  #assertOpen(): void {
    if (this.#closed)
      throw new UnavailableError(`The SQS queue ${this.#settings.name} is closed. Open it before use, and close it after the last user.`)
  }

  #serialized({ id, body }: NewQueueMessage): string {
    const text: string | undefined = JSON.stringify(body)
    if (text === undefined)
      throw new ConfigurationError(`The body of message ${id} is no JSON value: ${typeof body}. Send null, or what JSON can express.`)
    const json = storable(text)
    const bytes = Buffer.byteLength(json)
    const { bodyBytesMax } = this.#settings
    if (bytes <= bodyBytesMax) return json
    throw new LimitExceededError(
      `The body of message ${id} is ${bytes} bytes long; bodyBytesMax is ${bodyBytesMax}. Store what is large elsewhere and send where it is.`,
      { final: true },
    )
  }
}

const COUNTS = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesDelayed', 'ApproximateNumberOfMessagesNotVisible'] as const

function leaseTooLong(leaseMs: number): LimitExceededError {
  return new LimitExceededError(`SQS keeps a message from others for 12 hours at most, not for ${leaseMs} ms.`, { final: true })
}

/** Rounded up: a lease is never shorter than asked for. */
function milliseconds(value: number, name: string): number {
  if (!(value >= 0) || value > Number.MAX_SAFE_INTEGER / 2)
    throw new ConfigurationError(`${name} is a number of milliseconds from 0, not ${value}.`)
  return Math.ceil(value)
}
