import type { Database, LeaseStore } from 'seaworthy/core'
import type { EventStore, SubjectStore } from 'seaworthy/event-sourcing'
import type { ConsumerStore, Queue } from 'seaworthy/messaging'
import type { InboxStore, OutboxStore } from 'seaworthy/outbox'
import type { ProjectionStore, ReadStore } from 'seaworthy/projections'
import type { ParticipantStore, SagaStore } from 'seaworthy/saga'

/** The library's stores in a service's own database, whichever engine that is on. Those beyond the first four only where the composition names them. */
export interface Stores {
  readonly outbox: () => RelayedOutboxStore
  readonly inbox: () => InboxStore
  readonly consumer: () => ConsumerStore
  readonly participant: () => ParticipantStore
  readonly sagas: () => SagaStore
  readonly events: () => EventStore
  /** Keys of people, beside the events about them. */
  readonly subjects: () => SubjectStore
  readonly projections: () => ProjectionStore
  readonly documents: () => ReadStore
}

export type StoreName = keyof Stores

/** What every service has. */
export const PARTS: readonly StoreName[] = ['outbox', 'inbox', 'consumer', 'participant']

/** An outbox store that may be shared by the relays of several instances. */
export interface RelayedOutboxStore extends OutboxStore {
  /** Leaves this relay's part to the others, after it was stopped. */
  handBack?(): Promise<void>
}

/** A service's database, with its tables and stores. */
export interface ServiceDatabase {
  readonly database: Database
  readonly stores: Stores
  /**
   * Writes the service's own tables anew, so that what was deleted or overwritten in them is in no file of the database. @returns what may still be there, and
   * what to do about it
   */
  readonly scrub: (tables: readonly string[]) => Promise<readonly string[]>
  /** What the instances of the service share their work by; undefined where the engine has one process alone. */
  readonly leases: LeaseStore | undefined
  /** A queue in the same database, where the engine has one. */
  readonly openQueue?: (name: string, options: QueueOptions) => Promise<Queue>
}

export interface QueueOptions {
  readonly deliveryLimit?: number
}
