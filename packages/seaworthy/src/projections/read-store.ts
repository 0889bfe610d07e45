/** One version of a projection: it has documents and checkpoints of its own. */
export interface ModelVersion {
  readonly projection: string
  /** From 1. */
  readonly version: number
}

/** Where a document stands in a list, as a query wants to page through it. */
export interface Listing {
  /** The list: a customer, a status. */
  readonly in: string
  /** Its place: a time, a sum. Whole; lists are read from the highest on, and equal places by key, backwards. */
  readonly at: number
}

/** A document as it is stored. */
export interface StoredDocument {
  readonly key: string
  /** JSON-able. */
  readonly document: unknown
  readonly listing: Listing | undefined
  /** From 1; grows by one with each change. A document that is not there is at 0. */
  readonly revision: number
}

/** What becomes of a document. */
export interface DocumentChange {
  readonly key: string
  /** JSON-able. `undefined` removes it. */
  readonly document: unknown
  readonly listing: Listing | undefined
  /** The document as it was loaded; `undefined` when there was none. */
  readonly before: StoredDocument | undefined
}

/** What holds a document up. */
export interface Parking {
  /** Positions of the events that it waits for, in order: the first one could not be applied, the others came behind it. */
  readonly waiting: readonly number[]
  /** How often the first one was tried; 0 when that is yet to be. */
  readonly attempts: number
  /** What it failed with. */
  readonly reason: string
  /** When a document stopped, in milliseconds since the epoch. */
  readonly parkedAtMs: number
}

/** A document that stands still, as it was before the first event that waits. There need be none yet. */
export interface ParkedDocument extends Parking {
  readonly key: string
  /** From 1; grows by one with each change. */
  readonly revision: number
}

/** How a document comes to stand still, goes on standing still, or moves again. */
export interface ParkingChange {
  readonly key: string
  /** `undefined`: it moves again. */
  readonly parking: Parking | undefined
  /** As it was loaded; `undefined` when it was not parked. */
  readonly before: ParkedDocument | undefined
}

/** What is written together. */
export interface DocumentWrite {
  readonly checkpoint: string
  readonly from: number
  readonly to: number
  readonly changes: readonly DocumentChange[]
  readonly parking?: readonly ParkingChange[]
}

/** Documents and a checkpoint, as of one moment. */
export interface Loaded {
  /** Of the checkpoint; 0 when nothing has moved it. */
  readonly position: number
  /** By key. Those that do not exist are not in it. */
  readonly documents: ReadonlyMap<string, StoredDocument>
  /** By key: those that stand still. */
  readonly parked: ReadonlyMap<string, ParkedDocument>
}

/** The versions that a projection's readers may see. */
export interface LiveVersions {
  /** The version that answers queries; 0 when there is none yet. */
  readonly live: number
  /** The one that answered before, to go back to; 0 when there was none. */
  readonly previous: number
}

/**
 * - `switched`: readers see the new version from now on.
 * - `behind`: it has not got as far as the live one; nothing changed.
 * - `parked`: a document of it stands still that moves in the live one, or stands still at an earlier event than there; nothing changed.
 * - `moved`: another version is live than was expected; nothing changed.
 */
export type SwitchOutcome = 'switched' | 'behind' | 'parked' | 'moved'

/** A page of a list. */
export interface ListedDocuments {
  /** The version that answered. */
  readonly version: number
  readonly documents: readonly StoredDocument[]
  /** How many the whole list has. */
  readonly total: number
}

/**
 * Read models as documents: the query side, in whatever kind of store answers its queries best. The engines are embedded SQLite, PostgreSQL, Redis
 * and memory.
 *
 * A checkpoint has a name of its own within its version: that of a partition of the event store's positions, or of a key of an event log. It is written
 * together with the documents of the events that it counts, both or neither, so that no crash repeats an event or loses one.
 */
export interface ReadStore {
  /** A checkpoint, and those of the documents that exist or are parked, as of one moment. */
  load(of: ModelVersion, options: { checkpoint: string; keys: readonly string[] }): Promise<Loaded>
  /**
   * Writes the changes and moves the checkpoint, all or nothing. No key may be named twice.
   * @returns false, and writes nothing, when the checkpoint is not at `from`, or a document, or what holds it up, is not as it was loaded: another writer was faster
   */
  write(of: ModelVersion, options: DocumentWrite): Promise<boolean>
  /** All checkpoints of a version, by name. */
  checkpoints(of: ModelVersion): Promise<ReadonlyMap<string, number>>
  /** Keys of documents in the order of their UTF-8 bytes, after `after` (`''` from the start). */
  keys(of: ModelVersion, options: { after: string; max: number }): Promise<readonly string[]>
  /** Documents that stand still, by key in the order of their UTF-8 bytes, after `after` (`''` from the start). */
  parked(of: ModelVersion, options: { after: string; max: number }): Promise<readonly ParkedDocument[]>
  /** Removes a version that nobody builds any more; afterwards nobody can go back to it. @returns false, and removes nothing, when it is live */
  remove(of: ModelVersion): Promise<boolean>
  versions(projection: string): Promise<LiveVersions>
  /**
   * Makes version `to` the one that answers, at once for all readers; `from` stays as the one to go back to. It is refused while `to` is behind: while
   * `from` has a checkpoint that is further than that of the same name in `to`, or a document is parked in `to` that is not in `from`, or is there at a later
   * event. So nobody reads something older after the switch than before it.
   */
  makeLive(projection: string, options: { from: number; to: number; evenIfBehind?: boolean }): Promise<SwitchOutcome>
  /** A document of the live version, and which that is. */
  find(projection: string, key: string): Promise<{ readonly version: number; readonly document: StoredDocument | undefined }>
  /** A page of a list of the live version, the highest place first. */
  list(projection: string, options: { in: string; offset: number; max: number }): Promise<ListedDocuments>
}
