import { type ConnectionPool, NumericMap, produceV11, protocolErrorsCodesById } from '@platformatic/kafka'
import { type Clock, type SeaworthyError, LimitExceededError, UnavailableError, UnknownOutcomeError, Wakeup } from 'seaworthy/core'
import type { EncodedEvent } from './cloud-events.ts'
import type { Cluster } from './cluster.ts'
import { KafkaClosedError, ProducerFencedError, asSeaworthyError, isPassing } from './errors.ts'
import { murmur2 } from './murmur2.ts'
import { patiently } from './offsets.ts'
import { type Append, type Batch, PartitionQueue, type QueuedRecord } from './partition-queue.ts'
import { type Identity, ProducerIdentity, isFenced } from './producer-identity.ts'

export interface ProducerOptions {
  readonly cluster: Cluster
  readonly clock: Clock
  /** Whoever takes the same name later fences this one. */
  readonly name?: string | undefined
  readonly deliveryTimeoutMs: number
  readonly bufferBytesMax: number
}

// Below the broker's own default of 1,048,588 bytes for a batch, headers and all.
const BATCH_BYTES_MAX = 1_000_000
const REQUEST_BYTES_MAX = 4_000_000
// What a record costs on the wire beside key, value and headers, at most.
const RECORD_OVERHEAD_BYTES = 64
const RETRY_MS = 100
const RETRY_MS_MAX = 1_000

interface Part {
  readonly queue: PartitionQueue
  readonly batch: Batch
}

/**
 * Sends records so that each partition stores them in the order of their appends, and none twice by a repetition of ours: a batch is sent again
 * under its number until the broker has said what became of it. What comes while a batch is on its way goes with the next one.
 */
export class Producer {
  readonly #options: ProducerOptions
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #pool: ConnectionPool
  readonly #identity: ProducerIdentity
  readonly #queues = new Map<string, PartitionQueue>()
  readonly #busy = new Set<number>()
  readonly #bell = new Wakeup()
  #running: Promise<void> | undefined
  #bytes = 0
  #end: SeaworthyError | undefined

  constructor(options: ProducerOptions) {
    this.#options = options
    this.#cluster = options.cluster
    this.#clock = options.clock
    this.#pool = options.cluster.pool()
    this.#identity = new ProducerIdentity(options.cluster, options.name)
  }

  /** Takes the name now rather than with the first append. */
  async takeName(): Promise<void> {
    const { clock, deliveryTimeoutMs } = this.#options
    await patiently({ clock, timeoutMs: deliveryTimeoutMs }, 'a producer', () => this.#identity.get())
  }

  /** Settles when all are stored. @throws SeaworthyError; `executed: maybe` when some may be */
  append(topic: string, partitions: number, events: readonly EncodedEvent[]): Promise<void> {
    if (this.#end !== undefined) return Promise.reject(this.#end)
    if (events.length === 0) return Promise.resolve()
    const records = events.map((event) => ({ event, bytes: bytesOf(event) }))
    const bytes = records.reduce((sum, record) => sum + record.bytes, 0)
    if (this.#bytes > 0 && this.#bytes + bytes > this.#options.bufferBytesMax) {
      const message = `${this.#bytes} bytes wait for Kafka already, of at most ${this.#options.bufferBytesMax} (bufferBytesMax).`
      return Promise.reject(new LimitExceededError(message, { retryAfterMs: RETRY_MS }))
    }
    this.#bytes += bytes
    return new Promise((resolve, reject) => {
      const append: Append = {
        deadlineMs: this.#clock.monotonicMs() + this.#options.deliveryTimeoutMs,
        recordsLeft: records.length,
        isStoredInPart: false,
        failure: undefined,
        settle: (failure) => (failure === undefined ? resolve() : reject(failure)),
      }
      for (const { event, bytes } of records) {
        const partition = (murmur2(event.key) & 0x7fff_ffff) % partitions
        this.#queue(topic, partition).add({ message: { ...event, topic, partition }, bytes, append })
      }
      this.#running ??= this.#run()
      this.#bell.wake()
    })
  }

  /** Waits for what is on its way, up to `waitMs`; what is left then fails. */
  async close(waitMs: number): Promise<void> {
    const end = this.#clock.timer(waitMs, () => this.#give(new KafkaClosedError('log')), { keepAlive: false })
    while (this.#running !== undefined) await this.#running
    end.cancel()
    this.#end ??= new KafkaClosedError('log')
    await this.#cluster.release(this.#pool)
  }

  async #run(): Promise<void> {
    // What is appended in the same turn goes together.
    await Promise.resolve()
    for (;;) {
      const { count } = this.#bell
      this.#expire()
      const waiting = [...this.#queues.values()].filter((queue) => !queue.isEmpty)
      if (waiting.length === 0) break
      const nextMs = (await this.#dispatch(waiting.filter((queue) => !queue.inFlight))) - this.#clock.monotonicMs()
      await this.#bell.wait(count, { clock: this.#clock, waitMs: Math.max(0, nextMs), signal: undefined })
    }
    this.#running = undefined
  }

  /** Sends what can be sent. @returns when to look again without being woken */
  async #dispatch(queues: readonly PartitionQueue[]): Promise<number> {
    const nowMs = this.#clock.monotonicMs()
    const due = queues.filter(({ notBeforeMs }) => notBeforeMs <= nowMs)
    const againMs = Math.min(nowMs + RETRY_MS_MAX, ...queues.map(({ notBeforeMs }) => notBeforeMs).filter((ms) => ms > nowMs))
    if (due.length === 0) return againMs
    let identity: Identity
    try {
      identity = await this.#identity.get()
      const topics = await this.#cluster.topics([...new Set(due.map(({ topic }) => topic))])
      const byLeader = Map.groupBy(due, ({ topic, partition }) => topics.get(topic)?.leaders[partition] ?? -1)
      for (const [leader, ofLeader] of byLeader) {
        if (leader === -1) this.#postpone(ofLeader)
        else if (!this.#busy.has(leader)) void this.#send(leader, partsOf(ofLeader, identity), identity)
      }
    } catch (error) {
      if (!isPassing(error)) {
        this.#give(asSeaworthyError(error, 'a producer'))
        return nowMs
      }
      this.#postpone(due)
    }
    return againMs
  }

  async #send(leader: number, parts: readonly Part[], current: Identity): Promise<void> {
    this.#busy.add(leader)
    for (const { queue } of parts) queue.inFlight = true
    try {
      const connection = await this.#cluster.connect(leader, this.#pool)
      const sequences = new NumericMap()
      for (const { queue, batch } of parts) {
        if (!queue.number(batch, current)) throw new Error('the identity was renewed meanwhile')
        sequences.set(`${queue.topic}:${queue.partition}`, batch.sequence)
      }
      const { producerId, epoch } = parts[0]!.batch.identity!
      for (const { batch } of parts) batch.sent = true
      const messages = parts.flatMap(({ batch }) => batch.records.map(({ message }) => message))
      const options = { producerId, producerEpoch: epoch, sequences }
      const answer = await produceV11.api.async(connection, -1, this.#options.deliveryTimeoutMs, messages, options)
      this.#settle(parts, answer as produceV11.ProduceResponse)
    } catch (error) {
      const { response } = error as { response?: produceV11.ProduceResponse }
      if (response !== undefined) this.#settle(parts, response, error)
      else if (isPassing(error)) this.#postpone(parts.map(({ queue }) => queue))
      else for (const { queue } of parts) this.#fail(queue, asSeaworthyError(error, `an append to topic ${queue.topic}`))
    } finally {
      this.#busy.delete(leader)
      for (const { queue } of parts) queue.inFlight = false
      this.#bell.wake()
    }
  }

  #settle(parts: readonly Part[], { responses }: produceV11.ProduceResponse, cause?: unknown): void {
    for (const { queue, batch } of parts) {
      const answer = responses.find(({ name }) => name === queue.topic)?.partitionResponses.find(({ index }) => index === queue.partition)
      this.#settlePart(queue, batch, answer, cause)
    }
  }

  #settlePart(queue: PartitionQueue, batch: Batch, answer: produceV11.ProduceResponsePartition | undefined, cause: unknown): void {
    const reason = answer === undefined ? 'NETWORK_EXCEPTION' : protocolErrorsCodesById[answer.errorCode]
    switch (reason) {
      case 'NONE':
      case 'DUPLICATE_SEQUENCE_NUMBER':
        queue.done({ refused: false })
        return this.#resolve(batch.records)
      case 'MESSAGE_TOO_LARGE':
      case 'RECORD_LIST_TOO_LARGE': {
        if (queue.split()) return
        const message = `A record of ${batch.records[0]!.bytes} bytes is larger than topic ${queue.topic} takes (max.message.bytes).`
        return this.#refuse(queue, new LimitExceededError(message, { final: true, cause }))
      }
      case 'OUT_OF_ORDER_SEQUENCE_NUMBER':
      case 'UNKNOWN_PRODUCER_ID':
        // The broker lost its memory of this producer, and refused: what is sent anew is not there yet.
        this.#identity.renew(batch.identity!)
        queue.doubtNumbers()
        return this.#postpone([queue])
      default: {
        const error = { apiId: reason }
        if (isFenced(error)) {
          const { name } = this.#options
          if (name !== undefined) return this.#give(new ProducerFencedError(name, { cause }))
          this.#identity.renew(batch.identity!)
          queue.doubtNumbers()
          return this.#postpone([queue])
        }
        if (isPassing(error)) return this.#postpone([queue])
        this.#refuse(queue, asSeaworthyError({ ...error, cause }, `an append to topic ${queue.topic}`))
      }
    }
  }

  #postpone(queues: readonly PartitionQueue[]): void {
    const nowMs = this.#clock.monotonicMs()
    for (const queue of queues) queue.notBeforeMs = nowMs + Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** queue.failures++)
    this.#cluster.doubt(new Set(queues.map(({ topic }) => topic)))
  }

  /** Gives up what waits too long. */
  #expire(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const queue of this.#queues.values()) {
      const { batch } = queue
      if (batch !== undefined && !queue.inFlight && batch.records.every(({ append }) => append.deadlineMs <= nowMs)) {
        const why = `Kafka did not confirm an append to topic ${queue.topic} within ${this.#options.deliveryTimeoutMs} ms.`
        this.#fail(queue, batch.sent ? new UnknownOutcomeError(why) : new UnavailableError(why))
      }
      if (queue.batch !== undefined) continue
      const over = queue.expired(({ append }) => append.deadlineMs <= nowMs)
      const why = `Kafka took no append to topic ${queue.topic} within ${this.#options.deliveryTimeoutMs} ms.`
      this.#reject(over, new UnavailableError(why))
    }
  }

  /** The broker refused the batch. */
  #refuse(queue: PartitionQueue, failure: SeaworthyError): void {
    const { batch } = queue
    queue.done({ refused: true })
    if (batch !== undefined) this.#reject(batch.records, failure)
  }

  /** The batch is given up. If it was sent, its number may be used up or not: those after it begin anew. */
  #fail(queue: PartitionQueue, failure: SeaworthyError): void {
    const { batch } = queue
    if (batch?.identity !== undefined) this.#identity.renew(batch.identity)
    queue.doubtNumbers()
    queue.done({ refused: false })
    if (batch !== undefined) this.#reject(batch.records, failure)
  }

  /** Ends everything: nothing is sent any more. */
  #give(end: SeaworthyError): void {
    this.#end ??= end
    for (const queue of this.#queues.values()) {
      const sent = queue.batch?.sent === true && !(end instanceof ProducerFencedError)
      this.#fail(queue, sent ? new UnknownOutcomeError(end.message, { cause: end }) : end)
      this.#reject(
        queue.expired(() => true),
        end,
      )
    }
    this.#bell.wake()
  }

  #resolve(records: readonly QueuedRecord[]): void {
    for (const record of records) {
      record.append.isStoredInPart = true
      this.#settled(record)
    }
  }

  #reject(records: readonly QueuedRecord[], failure: SeaworthyError): void {
    for (const record of records) {
      // Of several failures, the one that knows least.
      if (record.append.failure === undefined || failure.executed === 'maybe') record.append.failure = failure
      this.#settled(record)
    }
  }

  #settled({ append, bytes }: QueuedRecord): void {
    this.#bytes -= bytes
    append.recordsLeft--
    if (append.recordsLeft > 0) return
    const { failure, isStoredInPart } = append
    if (failure === undefined || !isStoredInPart || failure.executed === 'maybe') append.settle(failure)
    else
      append.settle(new UnknownOutcomeError(`Some records of an append are stored, others are not: ${failure.message}`, { cause: failure }))
  }

  #queue(topic: string, partition: number): PartitionQueue {
    const name = `${partition}/${topic}`
    let queue = this.#queues.get(name)
    if (queue === undefined) this.#queues.set(name, (queue = new PartitionQueue(topic, partition, BATCH_BYTES_MAX)))
    return queue
  }
}

/** What one request takes: all under one identity, the oldest first, up to a size. */
function partsOf(queues: readonly PartitionQueue[], current: Identity): readonly Part[] {
  const parts: Part[] = []
  let bytes = 0
  for (const queue of queues) {
    const batch = queue.fill()
    if (batch === undefined) continue
    const identity = batch.identity ?? current
    if (parts.length > 0 && (parts[0]!.batch.identity ?? current) !== identity) continue
    bytes += batch.records.reduce((sum, record) => sum + record.bytes, 0)
    if (parts.length > 0 && bytes > REQUEST_BYTES_MAX) break
    parts.push({ queue, batch })
  }
  return parts
}

/** What it takes on the wire, at most. */
export function bytesOf({ key, value, headers }: EncodedEvent): number {
  let bytes = key.length + value.length + RECORD_OVERHEAD_BYTES
  for (const [name, header] of headers) bytes += name.length + header.length + 10
  return bytes
}
