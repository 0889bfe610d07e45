import type { EventEnvelope } from 'seaworthy/messaging'
import type { AnyEntity, SideName } from './mapping.ts'
import type { Gate, Ownership, Phase } from './ownership.ts'

/** How far the copy of what stood there before has come. `scan`: over the keys of the source; `sweep`: over those of the target that the source has not. */
export interface CopyProgress {
  readonly stage: 'none' | 'scan' | 'sweep' | 'done'
  /** The last key that was dealt with in this stage. */
  readonly after: string | null
}

/** What a side knows of the cut-over: who owns the data, and how far the feed into it has come. One row. */
export interface SideState extends Ownership {
  readonly side: SideName
  readonly gate: Gate
  /** Grows with every batch of the feed and every step. A batch that was read under an older one is refused. */
  readonly revision: number
  /** Of the other side's changes, the last one that is in here. */
  readonly position: number
  readonly copy: CopyProgress
  /** On the new side: its own head when it was last given the ownership. What it wrote itself comes after. */
  readonly switchedAt: number
  /** Its own head when it was closed last: what it had written until then comes before. 0 while it is open. */
  readonly closedAt: number
  /** Wall clock of the last verification that found no difference, in milliseconds since 1970; 0 for none since the copy. */
  readonly verifiedAtMs: number
  /** Whether the feed has set keys aside. */
  readonly hasParked: boolean
  /** Position of the last own write that came while another side owned the data; 0 for none. */
  readonly strayAt: number
}

/** That something under a key was written by the side itself, never by the feed. */
export interface KeyChange {
  readonly position: number
  readonly key: string
}

export interface ChangePage {
  readonly changes: readonly KeyChange[]
  /** Who stands before this position may have missed something that is not told any more. */
  readonly from: number
  /** With these, everything up to here is told. */
  readonly upTo: number
  /** True when keys cannot be named: a table was emptied at once, or a transaction changed more than is kept in memory. All must be copied again. */
  readonly all: boolean
}

/** A write on a side that did not own the data. */
export interface StrayWrite {
  readonly position: number
  readonly key: string
  readonly table: string
  readonly operation: string
  /** The row, as the engine tells it. */
  readonly row: string
  readonly epoch: number
}

export interface Entity {
  readonly key: string
  readonly tables: AnyEntity
}

/** Keys that are not served or not fed now, and why. */
export interface SetAsideKey {
  readonly key: string
  readonly reason: string
}

export interface Batch {
  readonly epoch: number
  readonly revision: number
  readonly entities: readonly Entity[]
  /** Keys that cannot be brought over. */
  readonly parked: readonly SetAsideKey[]
  readonly position: number
  readonly copy: CopyProgress
}

export type Applied =
  | { readonly kind: 'applied'; readonly revision: number }
  /** Somebody else has written or decided since the batch was read. Read again. */
  | { readonly kind: 'outdated' }
  /** The side refused what stands under a key. Nothing was written. */
  | { readonly kind: 'refused'; readonly key: string; readonly reason: string }

export interface Step {
  readonly phase: Phase
  /** On the new side the one after that of its row; on the old side any later one. */
  readonly epoch: number
  /** Takes the step only if the feed into this side has come to here, copied everything, and set no key aside. */
  readonly drainedTo?: number
  /** Where the feed into this side goes on: it needs nothing before. */
  readonly resumeAt?: number
  /** The keys whose writes are held. */
  readonly held?: readonly string[]
}

export interface StepTaken {
  /** False when the row was no longer, or not yet, where the step begins. */
  readonly taken: boolean
  readonly state: SideState
  /** Of this side's own changes, when the step was taken: whatever it commits afterwards comes later. */
  readonly head: number
}

/**
 * One place of the data: its own changes, and the feed into it. Every method takes one plain object and answers one, so that a side can stand behind a wire:
 * the file of SQLite belongs to the process that writes it.
 */
export interface Side {
  state(request: object): Promise<SideState>
  /** Opens or closes this side for own writes, in one transaction with the epoch. */
  take(step: Step): Promise<StepTaken>
  /** Position of its last own change. */
  head(request: object): Promise<{ readonly position: number }>
  /** Its own changes after a position, in the order of their commits. */
  changes(request: { readonly after: number; readonly max: number }): Promise<ChangePage>
  /** How much there is after a position (counted up to `max`), and how long ago the first of it was written, in milliseconds. */
  lag(request: { readonly after: number; readonly max: number }): Promise<{ readonly changes: number; readonly ageMs: number }>
  /** Forgets own changes up to a position that the other side has stored. */
  trim(request: { readonly upTo: number }): Promise<object>
  /** Own writes while another side owned the data. */
  strays(request: { readonly after: number; readonly max: number }): Promise<{ readonly strays: readonly StrayWrite[] }>
  /** Keys, in the side's own order. */
  scan(request: { readonly after: string | null; readonly max: number }): Promise<{ readonly keys: readonly string[] }>
  /** What stands under keys, at least as of the changes up to `upTo`. */
  read(request: { readonly keys: readonly string[]; readonly upTo: number }): Promise<{ readonly entities: readonly Entity[] }>
  /** Brings entities over, and remembers how far the feed has come, in one transaction. */
  apply(batch: Batch): Promise<Applied>
  /** Keys that are `held` at the gate, or `parked` by the feed. */
  setAside(request: { readonly kind: 'held' | 'parked'; readonly max: number }): Promise<{ readonly keys: readonly SetAsideKey[] }>
  /** Remembers that everything was compared, and equal. */
  verified(request: { readonly epoch: number; readonly atMs: number }): Promise<object>
  /** How many events of its own writes are not sent yet. While it is closed, they only become fewer. */
  unsent(request: object): Promise<{ readonly events: number }>
  /**
   * Publishes events of the other side's, as the one that has the topic. Not while it takes own writes, whose events have the next numbers; and not before everything
   * up to `upTo` of the other side's changes has been brought over: whoever hears of something may ask here.
   */
  publish(request: {
    readonly topic: string
    readonly events: readonly EventEnvelope[]
    readonly upTo: number
  }): Promise<{ readonly published: boolean }>
}
