import type { Transaction } from 'seaworthy/core'
import type { ConsumerStore, EventEnvelope } from 'seaworthy/messaging'
import type { EventStore } from '../event-store.ts'
import { streamEvents } from '../replay.ts'
import { isSealed } from './sealing.ts'
import { holdsSubject } from './sealed-event-store.ts'
import type { Forgotten, SubjectStore } from './subject-store.ts'

/** A place besides the streams that may hold a subject in the clear: a read model, an outbox, dead letters. Nobody can find those but who declares them. */
export interface SubjectHolder {
  readonly kind: 'projection' | 'outbox' | 'dead-letters' | 'other'
  readonly name: string
  /** How many rows or messages of it hold the subject. */
  readonly count: (subject: string) => Promise<number>
  /** Erases them in the transaction in which the key goes. Left out where only time or a person can, as with a message that must still be sent. */
  readonly erase?: (tx: Transaction, subject: string) => Promise<void>
}

/** A place that has something of a subject. */
export interface SubjectPlace {
  readonly kind: 'stream' | 'snapshot' | SubjectHolder['kind']
  readonly name: string
  readonly count: number
  /** `encrypted`: it opens with the key alone, and with nothing once that is gone. `clear`: anybody who reads the place reads it. */
  readonly form: 'encrypted' | 'clear'
}

export interface SubjectReport {
  readonly subject: string
  /** `unknown`: it never had personal fields here. */
  readonly key: 'kept' | 'forgotten' | 'unknown'
  readonly places: readonly SubjectPlace[]
}

/** Removes what deleted rows left behind in files and logs, such as a database's scrubbing. @returns what may still be there, and what to do about it */
export type Clean = () => Promise<readonly string[]>

export interface Erasure {
  /**
   * Deletes the key of a subject, and what holders erase, in one transaction; then cleans the place where the key lay. Safe to repeat.
   * What other services and backups hold is theirs to forget.
   */
  forget(subject: string): Promise<Forgotten & { readonly report: SubjectReport }>
  /** Every place that has something of the subject, by declaration for those outside the event store. */
  report(subject: string): Promise<SubjectReport>
}

/**
 * Forgets people in a history that is never rewritten: by their keys.
 * @param options.store the store beneath, as it is; not the sealed one
 */
export function erasure(options: {
  readonly store: EventStore
  readonly subjects: SubjectStore
  readonly holders?: readonly SubjectHolder[]
  /** Runs after the transaction in which holders erased. Without it their rows stay in pages and logs until something overwrites them. */
  readonly clean?: Clean
}): Erasure {
  const { store, subjects, holders = [], clean } = options

  async function report(subject: string): Promise<SubjectReport> {
    const key = (await subjects.keys([subject])).get(subject)?.kind ?? 'unknown'
    const places: SubjectPlace[] = []
    for (const stream of await subjects.streamsOf(subject)) {
      const count = await eventsOf(subject, stream)
      if (count > 0) places.push({ kind: 'stream', name: stream, count, form: 'encrypted' })
      const state = (await store.loadSnapshot(stream))?.state
      if (isSealed(state) && state.subjects.includes(subject)) places.push({ kind: 'snapshot', name: stream, count: 1, form: 'encrypted' })
    }
    return { subject, key, places: [...places, ...(await placesOf(holders, subject))] }
  }

  async function eventsOf(subject: string, stream: string): Promise<number> {
    let count = 0
    for await (const event of streamEvents(store, stream)) if (holdsSubject(event, subject)) count++
    return count
  }

  return {
    report,
    async forget(subject) {
      const forgotten = await subjects.forget(subject, async (tx) => {
        for (const { erase } of holders) await erase?.(tx, subject)
      })
      const remains = [...forgotten.remains, ...((await clean?.()) ?? [])]
      return { ...forgotten, remains, report: await report(subject) }
    },
  }
}

/** What holders have of a subject: in the clear, all of it. */
export async function placesOf(holders: readonly SubjectHolder[], subject: string): Promise<readonly SubjectPlace[]> {
  const places: SubjectPlace[] = []
  for (const { kind, name, count } of holders) {
    const found = await count(subject)
    if (found > 0) places.push({ kind, name, count: found, form: 'clear' })
  }
  return places
}

const PAGE_MAX = 200

/** Messages that are not sent yet. They leave by being sent: count again when the relay has caught up. */
export function outboxHolder(
  outbox: {
    topics(): Promise<readonly string[]>
    unsent(topic: string, max: number): Promise<readonly { readonly event: EventEnvelope }[]>
  },
  options: {
    readonly name: string
    readonly holds: (event: EventEnvelope, subject: string) => boolean
    /** Looks at so many of each topic, from the oldest on. Default 10,000. */
    readonly messagesMax?: number
  },
): SubjectHolder {
  const { name, holds, messagesMax = 10_000 } = options
  return {
    kind: 'outbox',
    name,
    async count(subject) {
      let count = 0
      for (const topic of await outbox.topics()) {
        for (const { event } of await outbox.unsent(topic, messagesMax)) if (holds(event, subject)) count++
      }
      return count
    },
  }
}

/** Dead letters of a consumer. They leave when they are requeued and handled, or dropped. */
export function deadLetterHolder(
  letters: Pick<ConsumerStore, 'deadLetters'>,
  options: { readonly consumer: string; readonly holds: (event: EventEnvelope, subject: string) => boolean },
): SubjectHolder {
  const { consumer, holds } = options
  return {
    kind: 'dead-letters',
    name: consumer,
    async count(subject) {
      let count = 0
      for (let after = 0; ;) {
        const page = await letters.deadLetters(consumer, { after, max: PAGE_MAX })
        count += page.filter(({ event }) => holds(event, subject)).length
        if (page.length < PAGE_MAX) return count
        after = page.at(-1)!.position
      }
    },
  }
}
