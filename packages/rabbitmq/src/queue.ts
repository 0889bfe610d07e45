import type { AsyncMessage, Channel } from 'rabbitmq-client'
import { type Clock, ConfigurationError, LimitExceededError, UnavailableError, systemClock } from 'seaworthy/core'
import type { DeadQueueMessage, Delivery, NewQueueMessage, Queue, QueueStatus } from 'seaworthy/messaging'
import { answerWithin, toldOf } from './answer.ts'
import { type BrokerConnection, type RabbitMqBroker, ConnectedBroker } from './broker.ts'
import { DeadLetters } from './dead-letters.ts'
import { delayRoute } from './delay.ts'
import { Intake } from './intake.ts'
import type { Lease } from './lease.ts'
import { type ReadMessage, type StoredMessage, envelopeOf, readMessage } from './message-format.ts'
import { Publisher } from './publisher.ts'
import type { Session } from './session.ts'
import { deadQueueOf, declareDelayLevels, declareQueue, delayLevelOf } from './topology.ts'

export interface RabbitMqQueueOptions {
  /** Of the queue. What belongs to it is called `NAME.dead`, `NAME.delay.…` and `NAME.due`. */
  readonly name: string
  /** How often a message is handed out before it is set aside. Default 5. RabbitMQ changes it for no existing queue. */
  readonly deliveryLimit?: number
  /** Messages that are ready at most, without those that are leased, wait or are dead. Default 1,000,000. RabbitMQ changes it for no existing queue. */
  readonly messagesMax?: number
  /** Size of a body at most, in bytes of JSON. Default 1,000,000. */
  readonly bodyBytesMax?: number
  /** Messages that this process holds unanswered at most; a receive beyond it waits. Default 1,000. */
  readonly inHandMax?: number
  /** Sends that wait for their confirm at most; one more is refused. Default 10,000. */
  readonly unconfirmedMax?: number
  /** How long the broker may take to answer before the outcome counts as unknown. Default 10,000 ms. */
  readonly answerTimeoutMs?: number
  /** Times leases and waits. Delays are timed by the broker. */
  readonly clock?: Clock
}

const DEFAULTS = {
  deliveryLimit: 5,
  messagesMax: 1_000_000,
  bodyBytesMax: 1_000_000,
  inHandMax: 1_000,
  unconfirmedMax: 10_000,
  answerTimeoutMs: 10_000,
}
// The protocol's field has 16 bits.
const IN_HAND_MAX = 65_535

/**
 * A quorum queue of RabbitMQ (3.10 or newer), for any number of processes. Makes what is not there.
 *
 * A lease is a promise of this process: when its time is up the message goes back, and an answer is refused. When the process or its connection dies,
 * RabbitMQ hands out at once what it had, lease or not. Ids are not remembered: what is sent twice comes twice.
 */
export async function openRabbitMqQueue(broker: RabbitMqBroker, options: RabbitMqQueueOptions): Promise<Queue> {
  if (!(broker instanceof ConnectedBroker)) throw new ConfigurationError('The broker of a RabbitMQ queue is what openRabbitMqBroker made.')
  const settings = { clock: systemClock, ...DEFAULTS, ...options }
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = settings[name]
    if (!Number.isInteger(value) || value < 1) throw new ConfigurationError(`${name} of a queue is a whole number from 1, not ${value}.`)
  }
  if (settings.inHandMax > IN_HAND_MAX) throw new ConfigurationError(`inHandMax of a queue is at most ${IN_HAND_MAX} in RabbitMQ.`)
  const nameBytes = Buffer.byteLength(options.name)
  if (nameBytes === 0 || nameBytes > 200 || options.name.startsWith('amq.'))
    throw new ConfigurationError(`The name of a RabbitMQ queue has 1 to 200 bytes and does not begin with "amq.": not "${options.name}".`)
  const queue = new RabbitMqQueue(broker, settings)
  await queue.declare()
  return queue
}

type Settings = Required<RabbitMqQueueOptions>

class RabbitMqQueue implements Queue {
  readonly #broker: ConnectedBroker
  readonly #settings: Settings
  readonly #publisher: Publisher
  #intake: Intake | undefined
  #deadLetters: DeadLetters | undefined
  // How many levels of delay are known to be there.
  #levels = 0
  #makingLevels: Promise<void> = Promise.resolve()
  #closed = false

  constructor(broker: ConnectedBroker, settings: Settings) {
    this.#broker = broker
    this.#settings = settings
    this.#publisher = new Publisher(broker.publishing, {
      ...settings,
      target: `queue ${settings.name}`,
      onReturned: `The queue ${settings.name} is not there any more. Somebody deleted it; open it again.`,
      onRefused: 'it holds its messagesMax. Let its workers catch up, and look at its dead letters.',
    })
  }

  async declare(): Promise<void> {
    await this.#ask(this.#broker.publishing, (channel) => declareQueue(channel, this.#settings))
  }

  async send(message: NewQueueMessage): Promise<void> {
    this.#assertOpen()
    const stored: StoredMessage = { id: message.id, json: this.#serialized(message), context: message.context }
    await this.#publish(stored, { delayMs: milliseconds(message.delayMs ?? 0, 'delayMs') })
  }

  async receive(options: { max: number; leaseMs: number; waitMs: number; signal?: AbortSignal }): Promise<readonly Delivery[]> {
    const leaseMs = milliseconds(options.leaseMs, 'leaseMs')
    if (!(options.max >= 1) || leaseMs === 0)
      throw new ConfigurationError('A receive asks for at least 1 message and a lease of at least 1 ms.')
    this.#assertOpen()
    const { clock } = this.#settings
    const { signal } = options
    signal?.throwIfAborted()
    const deadlineMs = clock.monotonicMs() + options.waitMs
    this.#intake ??= new Intake(this.#broker.consuming, { ...this.#settings, declare: (channel) => declareQueue(channel, this.#settings) })
    const { wakeup } = this.#intake
    const wantNoMore = this.#intake.want(options.max)
    try {
      for (let looked = false; ; looked = true) {
        this.#assertOpen()
        const { count } = wakeup
        const session = await untilAborted(this.#intake.session(), signal)
        const deliveries = await this.#lend(session, { max: options.max, leaseMs })
        if (deliveries.length > 0) return deliveries
        const leftMs = deadlineMs - clock.monotonicMs()
        if (leftMs > 0) {
          await wakeup.wait(count, { clock, waitMs: leftMs, signal })
        } else if (looked) {
          return []
        } else {
          // What was ready when the broker heard of this receive comes before its answer to another question.
          await untilAborted(session.alive(), signal)
          await toldOf()
        }
      }
    } finally {
      wantNoMore()
    }
  }

  /** `leased` counts what this process holds: RabbitMQ tells nobody about the others. */
  async status(): Promise<QueueStatus> {
    this.#assertOpen()
    const { name } = this.#settings
    const waitingHere = this.#intake?.counts.waiting ?? 0
    const { ready, dead } = await this.#ask(this.#broker.consuming, async (channel) => ({
      ready: (await channel.queueDeclare({ queue: name, passive: true })).messageCount,
      dead: (await channel.queueDeclare({ queue: deadQueueOf(name), passive: true })).messageCount,
    }))
    return { ready: ready + waitingHere, delayed: await this.#delayed(), leased: this.#intake?.counts.leased ?? 0, dead }
  }

  async deadLetters({ max }: { max: number }): Promise<readonly DeadQueueMessage[]> {
    this.#assertOpen()
    const dead = await this.#dead().list(max)
    return dead.map(({ stored, body, attempts, reason, diedAtMs }) => ({ id: stored.id, body, attempts, reason, diedAtMs }))
  }

  async requeueDead(ids: readonly string[]): Promise<number> {
    this.#assertOpen()
    return ids.length === 0 ? 0 : this.#dead().takeOut(new Set(ids), (stored) => this.#publish(stored, {}))
  }

  /** Ends those who wait, and gives back what was handed out and not answered. The broker is its owner's to close. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#intake?.wakeup.wake()
    await Promise.all([this.#publisher.close(), this.#intake?.close()])
  }

  /** Hands out what has arrived, and sets aside on the way what nobody may get any more. */
  async #lend(session: Session, { max, leaseMs }: { max: number; leaseMs: number }): Promise<Delivery[]> {
    const deliveries: Delivery[] = []
    while (deliveries.length < max) {
      const message = session.arrived.shift()
      if (message === undefined) break
      const read = readMessage(message)
      if (read.kind === 'readable' && read.attempt <= this.#settings.deliveryLimit) {
        const lease = session.lease(message, { id: read.stored.id, leaseMs })
        deliveries.push(this.#delivery(lease, read))
        continue
      }
      const reason =
        read.kind === 'unreadable'
          ? read.reason
          : `The lease of attempt ${read.attempt - 1} ended without an answer: the worker hung, or died of it.`
      try {
        await this.#bury(session, message, { stored: read.stored, attempts: read.attempt - 1, reason })
      } catch (error) {
        // What was leased must reach its caller. The other message comes again, and this error with it.
        if (deliveries.length === 0) throw error
        break
      }
    }
    return deliveries
  }

  async #bury(
    session: Session,
    message: AsyncMessage,
    { stored, attempts, reason }: { stored: StoredMessage; attempts: number; reason: string },
  ): Promise<void> {
    try {
      await this.#publish(stored, { death: { attempts, reason, diedAtMs: this.#settings.clock.now() } })
    } catch (error) {
      if (session.isOpen) session.arrived.unshift(message)
      throw error
    }
    if (session.isOpen) await session.acknowledge(message.deliveryTag)
  }

  #delivery(lease: Lease, { stored, body, attempt, readyAtMs }: Extract<ReadMessage, { kind: 'readable' }>): Delivery {
    // The clocks of two machines: where the publisher's is ahead, it waited for no time rather than for less than none.
    const readyForMs = readyAtMs === undefined ? undefined : Math.max(0, this.#settings.clock.now() - readyAtMs)
    return {
      id: stored.id,
      body,
      context: stored.context,
      attempt,
      ...(readyForMs !== undefined && { readyForMs }),
      acknowledge: () => lease.acknowledge(),
      extend: async (leaseMs) => lease.extend(milliseconds(leaseMs, 'leaseMs')),
      reject: async ({ reason, delayMs = 0, dead = false }) => {
        const pauseMs = milliseconds(delayMs, 'delayMs')
        if (dead || attempt >= this.#settings.deliveryLimit) {
          await lease.replace(() => this.#publish(stored, { death: { attempts: attempt, reason, diedAtMs: this.#settings.clock.now() } }))
        } else if (pauseMs > 0) {
          await lease.replace(() => this.#publish(stored, { delayMs: pauseMs, attempts: attempt }))
        } else {
          await lease.giveBack()
        }
      },
    }
  }

  async #publish(
    stored: StoredMessage,
    { delayMs = 0, ...state }: { delayMs?: number; attempts?: number; death?: { attempts: number; reason: string; diedAtMs: number } },
  ): Promise<void> {
    const { name, clock } = this.#settings
    const route = delayMs === 0 ? undefined : delayRoute(delayMs)
    const envelope = envelopeOf(stored, { ...state, delayMs: route?.delayMs ?? 0, nowMs: clock.now() })
    if (state.death !== undefined) return this.#publisher.publish({ ...envelope, routingKey: deadQueueOf(name) }, stored.json)
    if (route === undefined) return this.#publisher.publish({ ...envelope, routingKey: name }, stored.json)
    const { level, routingKey } = route
    await this.#makeLevels(level + 1)
    return this.#publisher.publish({ ...envelope, exchange: delayLevelOf(name, level), routingKey }, stored.json)
  }

  /** Makes levels of delay when they are first needed: most queues need few. */
  #makeLevels(levels: number): Promise<void> {
    if (levels <= this.#levels) return Promise.resolve()
    const making = this.#makeLevelsAfter(this.#makingLevels, levels)
    this.#makingLevels = making.catch(() => undefined)
    return making
  }

  async #makeLevelsAfter(former: Promise<void>, levels: number): Promise<void> {
    await former
    if (levels <= this.#levels) return
    const missing = { from: this.#levels, to: levels - 1 }
    await this.#ask(this.#broker.publishing, (channel) => declareDelayLevels(channel, this.#settings.name, missing))
    this.#levels = levels
  }

  /** Of the levels that any process has made: there is no gap in them. */
  async #delayed(): Promise<number> {
    let delayed = 0
    try {
      await this.#ask(this.#broker.consuming, async (channel) => {
        for (let level = 0; ; level++) {
          const queue = delayLevelOf(this.#settings.name, level)
          delayed += (await channel.queueDeclare({ queue, passive: true })).messageCount
        }
      })
    } catch (error) {
      if ((error as { cause?: { code?: unknown } }).cause?.code !== 'NOT_FOUND') throw error
    }
    return delayed
  }

  #dead(): DeadLetters {
    this.#deadLetters ??= new DeadLetters(() => this.#broker.consuming, this.#settings)
    return this.#deadLetters
  }

  /** Asks something on a channel of its own, since the broker closes a channel on which it says no. */
  async #ask<T>(connection: BrokerConnection, body: (channel: Channel) => Promise<T>): Promise<T> {
    const { name, answerTimeoutMs } = this.#settings
    const channel = await connection.channel()
    try {
      return await answerWithin(body(channel), answerTimeoutMs, `A question about the queue ${name}`)
    } catch (error) {
      if ((error as { name?: unknown }).name?.toString().startsWith('AMQP') !== true) throw error
      throw new UnavailableError(`RabbitMQ did not answer a question about the queue ${name}: ${String(error)}`, { cause: error })
    } finally {
      await channel.close()
    }
  }

  #assertOpen(): void {
    if (this.#closed)
      throw new UnavailableError(`The queue ${this.#settings.name} is closed. Open it before use, and close it after the last user.`)
  }

  #serialized({ id, body }: NewQueueMessage): Buffer {
    const text: string | undefined = JSON.stringify(body)
    if (text === undefined)
      throw new ConfigurationError(`The body of message ${id} is no JSON value: ${typeof body}. Send null, or what JSON can express.`)
    const json = Buffer.from(text)
    const { bodyBytesMax } = this.#settings
    if (json.length <= bodyBytesMax) return json
    throw new LimitExceededError(
      `The body of message ${id} is ${json.length} bytes long; bodyBytesMax is ${bodyBytesMax}. Store what is large elsewhere and send where it is.`,
      { final: true },
    )
  }
}

/** Rounded up: a lease is never shorter than asked for. */
function milliseconds(value: number, name: string): number {
  if (!(value >= 0) || value > Number.MAX_SAFE_INTEGER / 2)
    throw new ConfigurationError(`${name} is a number of milliseconds from 0, not ${value}.`)
  return Math.ceil(value)
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    work.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject)
  })
}
