import type { Clock, Database, Random, Transaction } from 'seaworthy/core'
import type { SagaRecord, SagaStore } from './saga-store.ts'
import type { Slots } from './slots.ts'

/** What every saga of one orchestrator shares. */
export interface RunEnvironment {
  readonly store: SagaStore
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly slots: Slots
  /** Who this process is in the store. */
  readonly owner: string
  /** Aborted when no new attempt may begin. */
  readonly stopping: AbortSignal
  /** Aborted when attempts in progress are left to the journal. */
  readonly abandoned: AbortSignal
  readonly treatUnknownAsFailed: boolean
  /** Called in the transaction of each change of status. */
  readonly onStatus: ((tx: Transaction, record: SagaRecord) => Promise<void>) | undefined
  /** Called when a change of status is durable. */
  readonly onMoved: (record: SagaRecord) => void
  /** Called when a saga that nobody has may have something to do. */
  readonly onDue: (sagaId: string) => void
  /** Turns a child back, if that is still possible. */
  readonly callOff: (sagaId: string, reason: string) => Promise<void>
  /** Told of what holds a saga up that is not its step's fault. */
  readonly report: (error: unknown, sagaId: string | undefined) => void
}

/** Somebody else changed the saga: what this process knows of it is out of date. */
export class MovedElsewhere extends Error {}

/** Where a saga is told how its child ended. No event has this slot: their slots begin otherwise. */
export const childSlot = (step: string): string => `child/${step}`

export const eventSlot = (type: string, key: string | undefined): string => `event/${type}${key === undefined ? '' : `/${key}`}`

/** How a child ended, as its parent is told. */
export type ChildEnd =
  | { readonly status: 'completed'; readonly results: unknown }
  | { readonly status: 'compensated'; readonly reason: string }
