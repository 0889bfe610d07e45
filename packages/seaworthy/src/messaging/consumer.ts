import { type Backoff, type Clock, type Random, ConfigurationError } from 'seaworthy/core'
import type { MessageHandler } from './attempt.ts'
import type { ConsumerStore } from './consumer-store.ts'
import type { RequeueLimits, Requeued } from './dead-letter.ts'
import type { EventLog, LogReaderOptions } from './event-log.ts'
import { RunningConsumer } from './running-consumer.ts'

export interface ConsumerOptions {
  readonly log: EventLog
  /** Name of the consumer group. */
  readonly group: string
  readonly topics: readonly string[]
  readonly handler: MessageHandler
  readonly store: ConsumerStore
  /**
   * What becomes of a message that cannot be handled:
   * - `park-key`: it is set aside, and so is every later message of its key, in order, until a person requeues them. Other keys go on.
   * - `skip`: it alone is set aside; later messages of its key go on without it.
   */
  readonly onPoison: 'park-key' | 'skip'
  /** Raised for a replay, together with the inbox's. Default 1. */
  readonly generation?: number
  /** Where a group begins that has no offset yet. Default `earliest`. */
  readonly from?: LogReaderOptions['from']
  /** Attempts of a message, those that the process did not outlive included: such a message is tried again alone. Default 10. */
  readonly attemptsMax?: number
  /** Wait between attempts. Default exponential from 100 ms to 30 s with full jitter. */
  readonly backoff?: Backoff
  /** For one attempt. Default 30,000 ms. */
  readonly handlerTimeoutMs?: number
  /** Messages of different keys that are handled at the same time, so that their commits can share a write to the disk. Default 8. */
  readonly concurrencyMax?: number
  /** Records asked for in one poll. Default 100. */
  readonly batchSizeMax?: number
  /** Records that were read and are not committed: what memory holds, and what may come again after a crash. Default 5,000. */
  readonly uncommittedMax?: number
  /** Messages that may lie aside before the consumer stops. Default 10,000. */
  readonly deadLettersMax?: number
  /** Offsets are committed at most this often, in milliseconds, and when the consumer stops. Default 100. */
  readonly commitEveryMs?: number
  /** How long one poll waits for a record, in milliseconds. Default 1,000. */
  readonly pollWaitMs?: number
  /** Stops the consumer as {@link Consumer.stop} does. */
  readonly signal?: AbortSignal
  readonly clock?: Clock
  readonly random?: Random
}

export interface ConsumerStatus {
  readonly group: string
  readonly state: 'running' | 'stopping' | 'stopped' | 'failed'
  /** Since the start. */
  readonly handled: number
  readonly failedAttempts: number
  readonly setAside: number
  /** Records that were read and are not committed. */
  readonly uncommitted: number
  /** Keys whose next message waits for another attempt, with the reason. */
  readonly retrying: readonly { readonly topic: string; readonly key: string; readonly attempt: number; readonly reason: string }[]
  readonly lastError: { readonly message: string; readonly atMs: number } | undefined
}

export interface Consumer {
  /**
   * Settles when the consumer has stopped; rejects with a ConsumerStoppedError when it stopped by itself. Handle it: a consumer that
   * does no more work must not go unnoticed, so an unhandled rejection ends the process.
   */
  readonly done: Promise<void>
  /** Finishes the messages in progress, commits, and leaves the group. What was read and not begun comes again. */
  stop(): Promise<void>
  status(): ConsumerStatus
  /** Handles the dead letters of a key again, in their order, before any later message of that key. */
  requeue(of: { readonly topic: string; readonly key: string }, limits?: RequeueLimits): Promise<Requeued>
}

/**
 * Handles the records of a consumer group, each key strictly in order, at least once.
 *
 * While a message is tried again, later messages of its key wait. All others go on, those of its own partition too, but that partition's
 * offset stays before it; reading stops for all topics when `uncommittedMax` records are read and not committed. No slot
 * is held during a wait.
 *
 * @throws ConfigurationError, and what the log throws when the group cannot be joined
 */
export async function startConsumer(options: ConsumerOptions): Promise<Consumer> {
  const limits = ['attemptsMax', 'concurrencyMax', 'batchSizeMax', 'uncommittedMax', 'handlerTimeoutMs', 'generation'] as const
  for (const name of limits) {
    const value = options[name]
    if (value !== undefined && !(value >= 1)) throw new ConfigurationError(`${name} of consumer ${options.group} is ${value}; at least 1.`)
  }
  const { log, topics, group, from } = options
  let consumer: RunningConsumer | undefined
  const onRevoke: LogReaderOptions['onRevoke'] = async (partitions) => consumer?.revoke(partitions)
  const reader = await log.reader({ topics, group, onRevoke, ...(from !== undefined && { from }) })
  consumer = new RunningConsumer(options, reader)
  return consumer
}
