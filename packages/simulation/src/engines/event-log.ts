import { ConfigurationError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import {
  type EventEnvelope,
  type EventLog,
  type LogReader,
  type LogReaderOptions,
  TopicNotOwnedError,
  type TopicStatus,
} from 'seaworthy/messaging'
import type { FaultKind } from '../faults/fault.ts'
import { stackless } from '../kernel/stackless.ts'
import type { Incarnation } from '../world/incarnation.ts'
import { nameOf } from './event-name.ts'
import { ProcessLogReader } from './log-reader.ts'
import { EVENT_LOG, type StoredLog, lagOf, placeOf } from './stored-log.ts'

const BEFORE_APPEND: readonly FaultKind[] = ['crash', 'lose', 'duplicate', 'restart-broker', 'partition', 'pause']
const AFTER_APPEND: readonly FaultKind[] = ['crash', 'lose-reply']
const LATENCY_MS = [0.3, 5] as const
/** How long a producer waits for an answer that does not come. */
const PATIENCE_MS = 5_000

/** The event log as one process sees it. `owns`: the topics that it may append to; all, if it does not say. */
export function eventLogOf(
  process: Incarnation,
  stored: StoredLog,
  options: { readonly owns?: readonly string[] | undefined } = {},
): EventLog {
  return new ProcessLog(process, stored, options.owns)
}

class ProcessLog implements EventLog {
  readonly #process: Incarnation
  readonly #stored: StoredLog
  readonly #owns: readonly string[] | undefined
  readonly #readers = new Set<ProcessLogReader>()
  #closed = false

  constructor(process: Incarnation, stored: StoredLog, owns: readonly string[] | undefined) {
    this.#process = process
    this.#stored = stored
    this.#owns = owns
  }

  async append(topic: string, events: readonly EventEnvelope[]): Promise<void> {
    const { world } = this.#process
    if (!this.#process.alive) return this.#process.never()
    if (this.#closed) throw new UnavailableError('The event log is closed.')
    if (this.#owns?.includes(topic) === false) throw new TopicNotOwnedError(topic, this.#owns)
    // All of them first, so that one that is no JSON leaves nothing of its batch behind.
    const texts = events.map((event) => ({ key: event.key, text: JSON.stringify(event) }))
    if (texts.length === 0) return
    const names = events.map((event) => nameOf(event, topic))
    const { index, fault } = this.#process.point(`${EVENT_LOG}:append:before`, BEFORE_APPEND, { peer: EVENT_LOG })
    if (!this.#process.alive) return this.#process.never()
    const pauseMs = Math.max(0, this.#process.pausedUntilMs - world.scheduler.nowMs)
    const arrived = Promise.withResolvers<'stored' | 'refused' | 'lost'>()
    // The request is on its way even if the process dies meanwhile.
    world.scheduler.after(pauseMs + this.#process.latency(index, ...LATENCY_MS), () => {
      if (fault === 'lose' || !world.network.reaches(this.#process.node, EVENT_LOG)) return arrived.resolve('lost')
      if (this.#stored.isDown) return arrived.resolve('refused')
      this.#stored.append(topic, texts)
      this.#process.record({ kind: 'append', topic, events: names, index, peer: EVENT_LOG })
      if (fault === 'duplicate') {
        this.#stored.append(topic, texts)
        this.#process.record({ kind: 'append', topic, events: names, index, peer: EVENT_LOG, fault })
      }
      arrived.resolve('stored')
    })
    const outcome = await arrived.promise
    if (outcome === 'refused') {
      return this.#process.later(this.#process.latency(`${index} back`, ...LATENCY_MS), () => {
        throw stackless(() => new UnavailableError('The event log is down.'))
      })
    }
    const after =
      outcome === 'stored' ? this.#process.point(`${EVENT_LOG}:append:after`, AFTER_APPEND, { peer: EVENT_LOG }).fault : 'lose-reply'
    return this.#process.later(after === 'lose-reply' ? PATIENCE_MS : this.#process.latency(`${index} back`, ...LATENCY_MS), () => {
      if (after === 'lose-reply')
        throw stackless(() => new UnknownOutcomeError(`The event log did not confirm an append to ${topic} within ${PATIENCE_MS} ms.`))
    })
  }

  async reader(options: LogReaderOptions): Promise<LogReader> {
    if (!this.#process.alive) return this.#process.never()
    if (this.#closed) throw new UnavailableError('The event log is closed.')
    if (options.topics.length === 0) throw new ConfigurationError(`Group ${options.group} reads no topic. Name at least one.`)
    const reader = new ProcessLogReader(this.#process, this.#stored, options)
    this.#stored.join(options.group, reader)
    this.#readers.add(reader)
    this.#process.onDeath(() => this.#stored.leave(options.group, reader))
    return reader
  }

  async topics(): Promise<readonly TopicStatus[]> {
    return this.#stored.topicNames.map((topic) => {
      const partitions = this.#stored.partitions(topic)
      return {
        topic,
        partitions: partitions.length,
        records: partitions.reduce((sum, records) => sum + records.length, 0),
        groups: [...this.#stored.groups]
          .filter(([, offsets]) => partitions.some((_, partition) => offsets.has(placeOf(topic, partition))))
          .map(([group, offsets]) => ({ group, lag: lagOf(topic, partitions, offsets) })),
      }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#readers].map((reader) => reader.close()))
  }
}
