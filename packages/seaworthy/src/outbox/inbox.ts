import { channel } from 'node:diagnostics_channel'
import { type Clock, type Database, type Transaction, systemClock } from 'seaworthy/core'
import type { Attempt, EventEnvelope, MessageHandler } from 'seaworthy/messaging'
import type { InboxMessage, InboxStore, InboxVerdict } from './inbox-store.ts'

/** Numbers of a key that did not come before a later one did. Published on the channel `seaworthy:inbox.gap`. */
export interface InboxGap {
  readonly consumer: string
  readonly topic: string
  readonly key: string
  /** The first number that is missing. */
  readonly expected: number
  readonly received: number
  readonly messageId: string
}

/**
 * A message that nobody here saw, dropped because its number is at or below the last of its key. Published on the channel
 * `seaworthy:inbox.stale`: one may be a redelivery from long ago; many mean that a publisher counts from 1 again, as after a restored backup.
 */
export interface StaleMessage {
  readonly consumer: string
  readonly topic: string
  readonly key: string
  readonly received: number
  readonly messageId: string
}

export interface InboxOptions {
  readonly store: InboxStore
  /** The handler's own database, the same that the store writes to. */
  readonly database: Database
  /** Name of the consumer: by convention that of its group. Two handlers with effects of their own need two names. */
  readonly consumer: string
  /** Raised for a replay, together with the consumer's: messages handled before then count as new. Default 1. */
  readonly generation?: number
  /** How long a handled message's id is kept, in milliseconds. The last number of each key is kept for ever. Default 7 days. */
  readonly windowMs?: number
  /** How often ids past the window are removed, in milliseconds. Default 10 minutes. */
  readonly cleanUpEveryMs?: number
  /**
   * Whether the group may have begun after the log's first record: then the first number that is seen of a key is not a gap, whatever it is.
   * Default false.
   */
  readonly joinedLate?: boolean
  /** Told of each gap, to write it to the log. The message is handled all the same. */
  readonly onGap?: (gap: InboxGap) => void
  /** Told of each message that was dropped by its number alone. */
  readonly onStale?: (message: StaleMessage) => void
  readonly clock?: Clock
}

export interface Inbox {
  /**
   * A message handler whose effects happen once per message: `handler` writes through `tx`, which also records the message. What it does elsewhere
   * (a call, an e-mail) is not undone with `tx`: send the event's id along as the idempotency key.
   */
  handle(handler: (event: EventEnvelope, tx: Transaction, attempt: Attempt) => Promise<void>): MessageHandler
}

const DAY_MS = 86_400_000
const gapChannel = channel('seaworthy:inbox.gap')
const staleChannel = channel('seaworthy:inbox.stale')
const cleanUpFailedChannel = channel('seaworthy:inbox.clean-up-failed')

/** What follows the commit of a handled message, whoever began its transaction. */
type AfterHandling = (verdict: InboxVerdict, event: EventEnvelope) => Promise<void>

/** @internal Raises the alarms, and removes old ids from time to time. */
export function afterHandling(options: Omit<InboxOptions, 'database'>): AfterHandling {
  const { store, consumer, windowMs = 7 * DAY_MS, cleanUpEveryMs = 600_000, joinedLate = false, clock = systemClock } = options
  let cleanedUpAtMs = clock.monotonicMs()

  const cleanUp = async () => {
    if (clock.monotonicMs() - cleanedUpAtMs < cleanUpEveryMs) return
    cleanedUpAtMs = clock.monotonicMs()
    try {
      await store.forget(clock.now() - windowMs)
    } catch (error) {
      // The message was handled. Old ids do no harm, and the next turn tries again.
      if (cleanUpFailedChannel.hasSubscribers) cleanUpFailedChannel.publish({ consumer, error })
    }
  }

  return async (verdict, event) => {
    const message = { consumer, topic: event.source, key: event.key, messageId: event.id }
    if (verdict.kind === 'gap' && !(joinedLate && verdict.expected === 1)) {
      const gap: InboxGap = { ...message, expected: verdict.expected, received: event.sequence }
      if (gapChannel.hasSubscribers) gapChannel.publish(gap)
      options.onGap?.(gap)
    } else if (verdict.kind === 'duplicate' && verdict.by === 'sequence') {
      const stale: StaleMessage = { ...message, received: event.sequence }
      if (staleChannel.hasSubscribers) staleChannel.publish(stale)
      options.onStale?.(stale)
    }
    await cleanUp()
  }
}

/** @internal The message as the store is asked about it. */
export function inboxMessage(
  { consumer, generation = 1 }: Pick<InboxOptions, 'consumer' | 'generation'>,
  event: EventEnvelope,
  attempt: Attempt,
): InboxMessage {
  // Handled after its successors: its number would call it a duplicate, so its id alone decides.
  const sequence = attempt.outOfOrder ? 0 : event.sequence
  return { consumer, generation, topic: event.source, key: event.key, messageId: event.id, sequence }
}

/** The inbox of a consumer: remembers what was handled, in the same transaction as the effects. */
export function inbox(options: InboxOptions): Inbox {
  const { store, database } = options
  const after = afterHandling(options)
  return {
    handle: (handler) => async (event, attempt) => {
      const verdict = await database.transaction(
        async (tx) => {
          const verdict = await store.admit(tx, inboxMessage(options, event, attempt))
          if (verdict.kind !== 'duplicate') await handler(event, tx, attempt)
          return verdict
        },
        { signal: attempt.signal, timeoutMs: attempt.timeoutMs },
      )
      // After the commit, so that an attempt that is rolled back and repeated raises the alarm once.
      await after(verdict, event)
    },
  }
}
