import { channel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { type Clock, InvalidInputError, rootContext } from 'seaworthy/core'
import type { ConsumerStore, DeadLetter, NewDeadLetter } from './consumer-store.ts'
import { type EventEnvelope, assertEnvelope } from './event.ts'
import type { LogRecord } from './event-log.ts'

/** The type of the envelope that a message is given which was none. Its data is what came. */
export const MALFORMED_EVENT = 'seaworthy.malformed'

const REASON_LENGTH_MAX = 2_000
const PAGE_SIZE = 100

const requeuedChannel = channel('seaworthy:consumer.requeued')
const deadLetterChannel = channel('seaworthy:consumer.dead-letter')

/** Tells listeners of the channel `seaworthy:consumer.dead-letter` of a letter. */
export function announce(letter: NewDeadLetter): void {
  if (deadLetterChannel.hasSubscribers) deadLetterChannel.publish(letter)
}

/** The record's event, or why it is none with an envelope to keep what came: its place in the log is its id and its key. */
export function readEvent(record: LogRecord, clock: Clock): { readonly event: EventEnvelope; readonly problem?: InvalidInputError } {
  const came: unknown = record.event
  try {
    assertEnvelope(came)
    return { event: came }
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error
    const place = `${record.topic}/${record.partition}/${record.offset}`
    const event: EventEnvelope = {
      id: place,
      type: MALFORMED_EVENT,
      version: 1,
      source: record.topic,
      key: place,
      sequence: 0,
      time: new Date(clock.now()).toISOString(),
      correlationId: rootContext().correlationId,
      data: came ?? null,
    }
    return { event, problem: error }
  }
}

/** The reason that a person reads, with the chain of causes. */
export function reasonOf(error: unknown): string {
  const parts: string[] = []
  for (let cause = error; cause !== undefined && parts.length < 5; cause = cause instanceof Error ? cause.cause : undefined) {
    parts.push(cause instanceof Error ? `${cause.name}: ${cause.message}` : inspect(cause, { depth: 2 }))
  }
  return parts.join(' Cause: ').slice(0, REASON_LENGTH_MAX)
}

export interface Requeued {
  /** Letters that were handled and are gone. */
  readonly handled: number
  /** Letters that failed again and stay, with the new reason. */
  readonly failed: number
}

/** A letter that was handled again, as it happened. Also published on the channel `seaworthy:consumer.requeued`. */
export interface RequeuedLetter {
  readonly letter: DeadLetter
  /** Number of this attempt. */
  readonly attempt: number
  /** `handled`: the letter is gone. `failed`: it stays, with the new reason. */
  readonly outcome: 'handled' | 'failed'
  /** Why it failed. */
  readonly reason: string | undefined
}

/** How far a requeue goes, and who hears of it. */
export interface RequeueLimits {
  /** Letters that are tried at most. Default all of the key. */
  readonly lettersMax?: number
  /** No letter is begun after so many milliseconds. Default no limit. */
  readonly budgetMs?: number
  /** Told of each letter after it was tried, in order: for an audit. */
  readonly onLetter?: (requeued: RequeuedLetter) => void
}

export interface RequeueOptions extends RequeueLimits {
  readonly store: ConsumerStore
  readonly consumer: string
  readonly topic: string
  readonly key: string
  readonly clock: Clock
  /** Ends the work before the next letter. */
  readonly signal: AbortSignal
  /** Handles a letter once. @throws the signal's reason when it did not, because the signal was aborted */
  readonly handle: (letter: DeadLetter, attempt: number) => Promise<void>
}

/**
 * Handles the dead letters of a key again, in their order, and removes each after it was handled: a crash in between
 * leaves it in its place. A parked letter that fails again ends it, because those behind must not overtake it; a skipped one does not.
 */
export async function requeueLetters(options: RequeueOptions): Promise<Requeued> {
  const { store, consumer, topic, key, clock, lettersMax = Infinity, budgetMs = Infinity } = options
  const endMs = clock.monotonicMs() + budgetMs
  let handled = 0
  let failed = 0
  let after = 0
  const tell = (requeued: RequeuedLetter) => {
    if (requeuedChannel.hasSubscribers) requeuedChannel.publish(requeued)
    options.onLetter?.(requeued)
  }
  for (;;) {
    const letters = await store.deadLetters(consumer, { topic, key, after, max: PAGE_SIZE })
    if (letters.length === 0) return { handled, failed }
    for (const letter of letters) {
      if (options.signal.aborted || handled + failed >= lettersMax || clock.monotonicMs() >= endMs) return { handled, failed }
      after = letter.position
      const attempt = await store.countRetry(letter)
      if (attempt === undefined) continue
      try {
        await options.handle(letter, attempt)
      } catch (error) {
        // The wait for a slot ended because the consumer stops: the letter was not tried.
        if (options.signal.aborted && error === options.signal.reason) return { handled, failed }
        failed++
        const kind = letter.kind === 'skipped' ? 'skipped' : 'parked'
        const reason = reasonOf(error)
        // It has its place already, so that no limit applies.
        await store.bury({ ...letter, kind, attempts: attempt, reason, diedAtMs: clock.now() }, { deadLettersMax: Infinity })
        tell({ letter, attempt, outcome: 'failed', reason })
        if (kind === 'parked') return { handled, failed }
        continue
      }
      await store.resolve(letter)
      handled++
      tell({ letter, attempt, outcome: 'handled', reason: undefined })
    }
  }
}
