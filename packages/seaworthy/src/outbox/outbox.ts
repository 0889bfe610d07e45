import {
  type Statement,
  type Transaction,
  ConfigurationError,
  InvalidInputError,
  LimitExceededError,
  UnsupportedError,
} from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import type { OutboxStore, SynchronousOutboxStore, TopicEvents } from './outbox-store.ts'

export interface OutboxOptions {
  readonly store: OutboxStore
  /** The topics that this service publishes on. An event of another is refused, because its owner numbers its events alone. Default: any. */
  readonly topics?: readonly string[]
  /** The types of events that this service publishes: what it does not declare is refused, so that nobody has to read its code to know them. Default: any. */
  readonly types?: readonly string[]
}

/** Publishes events with the caller's own transaction: both commit, or neither does. */
export interface Outbox {
  /**
   * Adds the events to the caller's transaction, each under the topic of its declaration, and gives each the next number of its key. The
   * keys stay locked until the transaction ends, so add last what is contended. Let an error roll the transaction back: of several topics, some may be added.
   * @throws InvalidInputError when an event was published before, or is no JSON
   * @throws LimitExceededError when an event is too large for the store
   * @throws ConfigurationError when the topic is not this service's
   */
  add(tx: Transaction, ...events: readonly EventEnvelope[]): Promise<void>
  /**
   * Runs the statements and adds the events in a transaction of its own, in one round trip to the store's database: for changes that need no answer before their
   * end. Both are committed, or neither. The events are added whatever the statements came to: an UPDATE that finds no row holds none back. Where that
   * decides, use `add` in a transaction.
   * @returns how many rows each statement came to
   * @throws what `add` throws, what the database throws for a statement, and UnsupportedError when the store has no SQL
   */
  commit(statements: readonly Statement[], ...events: readonly EventEnvelope[]): Promise<readonly { readonly rowCount: number }[]>
}

/** The outbox of a service whose store also takes events in synchronous transactions. */
export interface SynchronousOutbox<Handle> extends Outbox {
  /**
   * As {@link Outbox.add}, in the transaction that is open on a handle of yours.
   * @throws what `add` throws, and ConfigurationError when no transaction is open
   */
  addSync(handle: Handle, ...events: readonly EventEnvelope[]): void
}

/** The outbox of a service. A relay ({@link startRelay}) takes what is committed to the event log. */
export function outbox<Handle>(options: OutboxOptions & { readonly store: SynchronousOutboxStore<Handle> }): SynchronousOutbox<Handle>
export function outbox(options: OutboxOptions): Outbox
export function outbox<Handle>({
  store,
  topics,
  types,
}: OutboxOptions & { readonly store: OutboxStore & Partial<SynchronousOutboxStore<Handle>> }): Outbox & Partial<SynchronousOutbox<Handle>> {
  const own: Own = { topics: topics && new Set(topics), types: types && new Set(types) }
  return {
    add: async (tx, ...events) => {
      for (const [topic, sameTopic] of byTopic(events, own)) await store.add(tx, topic, sameTopic)
    },
    commit: async (statements, ...events) => {
      if (store.commit === undefined) {
        throw new UnsupportedError(
          'This outbox store runs no SQL, so it commits no statements. Use add in a transaction, or a store of a database.',
        )
      }
      return store.commit(statements, byTopic(events, own))
    },
    ...(store.addSync !== undefined && {
      addSync: (handle: Handle, ...events: readonly EventEnvelope[]) => {
        for (const [topic, sameTopic] of byTopic(events, own)) store.addSync?.(handle, topic, sameTopic)
      },
    }),
  }
}

/** What a service may publish. */
interface Own {
  readonly topics: ReadonlySet<string> | undefined
  readonly types: ReadonlySet<string> | undefined
}

/** Checked, by topic, in one order for all callers: two transactions that each hold a lock the other waits for would never end. */
function byTopic(events: readonly EventEnvelope[], own: Own): readonly TopicEvents[] {
  const topics = new Map<string, EventEnvelope[]>()
  for (const event of events) {
    if (own.topics?.has(event.source) === false) {
      throw new ConfigurationError(
        `Event ${event.type} belongs to topic ${event.source}, and this service publishes on ${[...own.topics].join(', ')}. Declare an event of its own.`,
      )
    }
    if (own.types?.has(event.type) === false) {
      throw new ConfigurationError(`Event ${event.type} is none that this service declares: ${[...own.types].join(', ')}. Add it there.`)
    }
    if (event.sequence !== 0) {
      throw new InvalidInputError(
        `Event ${event.type} ${event.id} was published before, as number ${event.sequence} of its key. Make a new one.`,
      )
    }
    const sameTopic = topics.get(event.source)
    if (sameTopic === undefined) topics.set(event.source, [event])
    else sameTopic.push(event)
  }
  return [...topics].toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/**
 * The event as a store keeps it. For stores.
 * @throws InvalidInputError when it is no JSON
 * @throws LimitExceededError when it takes more than `eventBytesMax` bytes
 */
export function serializeEvent(event: EventEnvelope, eventBytesMax: number): string {
  let text: string
  try {
    text = JSON.stringify(event)
  } catch (cause) {
    throw new InvalidInputError(`Event ${event.type} ${event.id} is no JSON: ${String(cause)}. Put plain values into its data.`, [], {
      cause,
    })
  }
  // A character is at most three bytes of UTF-8, so that small events are not counted.
  if (text.length * 3 > eventBytesMax && Buffer.byteLength(text) > eventBytesMax) {
    throw new LimitExceededError(
      `Event ${event.type} ${event.id} takes ${Buffer.byteLength(text)} bytes; the limit eventBytesMax is ${eventBytesMax}. Publish a reference to the large part.`,
      { final: true },
    )
  }
  return text
}
