import { type Random, type Transaction, ConfigurationError, systemRandom } from 'seaworthy/core'
import type { DomainEvent } from '../decider.ts'
import type { EventStore, ExpectedVersion, NewStoredEvent, StoredEvent, StoredSnapshot } from '../event-store.ts'
import type { EventData, EventTypes } from '../event-types.ts'
import { SubjectForgottenError, UnreadableFieldError } from './errors.ts'
import { isSealed, seal, unseal } from './sealing.ts'
import type { SubjectKey, SubjectStore } from './subject-store.ts'

export interface SealedEventStoreOptions<Event extends DomainEvent> {
  readonly store: EventStore
  /** Says which fields are personal, and whose. */
  readonly events: EventTypes<Event>
  readonly subjects: SubjectStore
  readonly random?: Random
}

/**
 * An event store whose personal fields are encrypted, each under the key of its subject, before the store beneath sees them, and decrypted as they are read.
 * Snapshots of streams with personal fields are encrypted as a whole, under the keys of everybody in the stream: when one is forgotten, they are ignored.
 * @throws SubjectForgottenError from `append`; UnreadableFieldError from whatever reads
 */
export function sealedEventStore<Event extends DomainEvent>(options: SealedEventStoreOptions<Event>): EventStore {
  return new SealedEventStore(options)
}

class SealedEventStore<Event extends DomainEvent> implements EventStore {
  readonly #store: EventStore
  readonly #events: EventTypes<Event>
  readonly #subjects: SubjectStore
  readonly #random: Random

  constructor({ store, events, subjects, random = systemRandom }: SealedEventStoreOptions<Event>) {
    this.#store = store
    this.#events = events
    this.#subjects = subjects
    this.#random = random
  }

  async append(tx: Transaction, stream: string, events: readonly NewStoredEvent[], expected: ExpectedVersion): Promise<number> {
    const owners = events.map((event) => this.#ownerOf(event))
    const subjects = [...new Set(owners.filter((owner) => owner !== undefined))]
    if (subjects.length === 0) return this.#store.append(tx, stream, events, expected)
    const keys = await this.#subjects.hold(tx, stream, subjects)
    const sealed = events.map((event, index) => this.#sealed(stream, event, owners[index], keys))
    return this.#store.append(tx, stream, sealed, expected)
  }

  async read(stream: string, options: Parameters<EventStore['read']>[1] = {}): Promise<readonly StoredEvent[]> {
    return this.#opened(await this.#store.read(stream, options), options.tx)
  }

  async readBackwards(stream: string, options: Parameters<EventStore['readBackwards']>[1] = {}): Promise<readonly StoredEvent[]> {
    return this.#opened(await this.#store.readBackwards(stream, options), options.tx)
  }

  async find(stream: string, eventId: string, tx?: Transaction): Promise<StoredEvent | undefined> {
    const found = await this.#store.find(stream, eventId, tx)
    return found && (await this.#opened([found], tx))[0]
  }

  async readAll(options: { after: number; max: number; archived?: boolean }): Promise<readonly StoredEvent[]> {
    return this.#opened(await this.#store.readAll(options))
  }

  head(): Promise<number> {
    return this.#store.head()
  }

  archive(tx: Transaction, stream: string): Promise<void> {
    return this.#store.archive(tx, stream)
  }

  restore(tx: Transaction, stream: string): Promise<void> {
    return this.#store.restore(tx, stream)
  }

  archivedAtMs(stream: string, tx?: Transaction): Promise<number | undefined> {
    return this.#store.archivedAtMs(stream, tx)
  }

  async loadSnapshot(stream: string, tx?: Transaction): Promise<StoredSnapshot | undefined> {
    const snapshot = await this.#store.loadSnapshot(stream, tx)
    if (snapshot === undefined || !isSealed(snapshot.state)) return snapshot
    const keys = kept(await this.#subjects.keys(snapshot.state.subjects, tx))
    if (keys.size < snapshot.state.subjects.length) return undefined
    try {
      return { ...snapshot, state: unseal(snapshot.state, { ...snapshot, kind: 'snapshot' }, keys) }
    } catch {
      // The events have it all. What is wrong with the keys shows there.
      return undefined
    }
  }

  async saveSnapshot(tx: Transaction, snapshot: StoredSnapshot): Promise<void> {
    const subjects = await this.#subjects.subjectsOf(snapshot.stream, tx)
    // In place of those who are forgotten the state has placeholders.
    const keys = kept(subjects.length === 0 ? new Map() : await this.#subjects.keys(subjects, tx))
    if (keys.size === 0) return this.#store.saveSnapshot(tx, snapshot)
    const state = seal(snapshot.state, { ...snapshot, kind: 'snapshot' }, keys, this.#random)
    return this.#store.saveSnapshot(tx, { ...snapshot, state })
  }

  onAppended(listener: () => void): () => void {
    return this.#store.onAppended(listener)
  }

  /** Whose personal fields the event has. */
  #ownerOf({ type, data }: NewStoredEvent): string | undefined {
    const personal = this.#events.personalOf(type)
    if (personal === undefined) return undefined
    const values = data as EventData
    if (Object.keys(personal.placeholders).every((field) => values[field] === undefined)) return undefined
    const subject = personal.subject({ ...values, type })
    if (typeof subject !== 'string' || subject === '') {
      throw new ConfigurationError(`Event ${type} has personal fields, but no subject. Name whose they are.`)
    }
    return subject
  }

  #sealed(stream: string, event: NewStoredEvent, subject: string | undefined, keys: ReadonlyMap<string, SubjectKey>): NewStoredEvent {
    if (subject === undefined) return event
    const known = keys.get(subject)
    if (known?.kind !== 'kept') throw new SubjectForgottenError(subject, { stream, type: event.type })
    const own = new Map([[subject, known.key]])
    const data: Record<string, unknown> = { ...(event.data as EventData) }
    for (const field of Object.keys(this.#events.personalOf(event.type)!.placeholders)) {
      if (data[field] === undefined) continue
      data[field] = seal(data[field], { kind: 'field', subject, eventId: event.id, field }, own, this.#random)
    }
    return { ...event, data }
  }

  async #opened(events: readonly StoredEvent[], tx?: Transaction): Promise<readonly StoredEvent[]> {
    const subjects = new Set(events.flatMap(({ data }) => sealedFields(data).flatMap(([, { subjects: of }]) => of)))
    if (subjects.size === 0) return events
    const keys = await this.#subjects.keys([...subjects], tx)
    return events.map((event) => this.#openedEvent(event, keys))
  }

  /** Goes by what is stored, not by what is declared: an event of an older shape may have other fields. */
  #openedEvent(event: StoredEvent, keys: ReadonlyMap<string, SubjectKey>): StoredEvent {
    const fields = sealedFields(event.data)
    if (fields.length === 0) return event
    const data: Record<string, unknown> = { ...(event.data as EventData) }
    for (const [field, sealed] of fields) {
      const subject = sealed.subjects[0]!
      const known = keys.get(subject)
      if (known === undefined) throw new UnreadableFieldError(subject, event, field, { kind: 'no-key' })
      if (known.kind === 'forgotten') {
        data[field] = this.#events.personalOf(event.type)?.placeholders[field] ?? null
        continue
      }
      try {
        data[field] = unseal(sealed, { kind: 'field', subject, eventId: event.id, field }, new Map([[subject, known.key]]))
      } catch (cause) {
        throw new UnreadableFieldError(subject, event, field, { kind: 'damaged', cause })
      }
    }
    return { ...event, data }
  }
}

function sealedFields(data: unknown) {
  if (typeof data !== 'object' || data === null) return []
  return Object.entries(data).flatMap(([field, value]) => (isSealed(value) ? [[field, value] as const] : []))
}

/** Whether an event, as the store beneath has it, holds personal fields of a subject. */
export function holdsSubject(stored: StoredEvent, subject: string): boolean {
  return sealedFields(stored.data).some(([, { subjects }]) => subjects.includes(subject))
}

function kept(keys: ReadonlyMap<string, SubjectKey>): ReadonlyMap<string, Uint8Array> {
  return new Map([...keys].flatMap(([subject, known]) => (known.kind === 'kept' ? [[subject, known.key] as const] : [])))
}
