import type { Propagated, Transaction } from 'seaworthy/core'

/** An event to be stored in a stream. */
export interface NewStoredEvent {
  readonly id: string
  readonly type: string
  /** Version of the data's shape, from 1. Older shapes are brought up to date when they are read. */
  readonly schemaVersion: number
  /** JSON-able. */
  readonly data: unknown
  readonly context: Propagated
}

export interface StoredEvent extends NewStoredEvent {
  readonly stream: string
  /** Place in its stream, from 1, gapless. */
  readonly version: number
  /** Place in the store; grows, may have gaps. */
  readonly position: number
  /** Milliseconds since the epoch. */
  readonly recordedAtMs: number
}

/** What the stream must look like for the append to go through. A number is the version of its last event. */
export type ExpectedVersion = number | 'no-stream' | 'any'

export interface StoredSnapshot {
  readonly stream: string
  /** The version of the stream that it sums up. */
  readonly version: number
  /** Version of the code that made it. A snapshot of another version is ignored. */
  readonly schemaVersion: number
  /** JSON-able. */
  readonly state: unknown
  /** Milliseconds since the epoch; 0 when it was not noted. */
  readonly takenAtMs: number
}

/** Streams of events with optimistic concurrency. */
export interface EventStore {
  /**
   * Appends in the caller's transaction. Events whose ids the stream holds already are not stored again, if all of them are there: then the
   * answer is as it was the first time, whatever was expected.
   * @returns the version of the stream afterwards
   * @throws WrongExpectedVersionError with both versions; ConflictError when the stream holds some of the ids, but not all; StreamArchivedError
   */
  append(tx: Transaction, stream: string, events: readonly NewStoredEvent[], expected: ExpectedVersion): Promise<number>
  /**
   * The same in a transaction of its own, or with others in one, where an engine gains by that. A store that wraps another one, and does more in `append`, leaves it
   * out, or does that here too.
   * @param options `signal`: ends the wait for its turn; what is on its way by then is stored or not all the same
   */
  readonly appendAlone?: (
    stream: string,
    events: readonly NewStoredEvent[],
    expected: ExpectedVersion,
    options?: { readonly signal?: AbortSignal },
  ) => Promise<number>
  /** Events of a stream in order, after version `after` (0 from the start), at most `max` (1,000). Reads inside `tx` see its own appends. */
  read(stream: string, options?: { after?: number; max?: number; tx?: Transaction }): Promise<readonly StoredEvent[]>
  /** Events of a stream from its end, the newest first: those before version `before` (default: all), at most `max` (1,000). */
  readBackwards(stream: string, options?: { before?: number; max?: number; tx?: Transaction }): Promise<readonly StoredEvent[]>
  /** The event of this id in the stream, if it is there. */
  find(stream: string, eventId: string, tx?: Transaction): Promise<StoredEvent | undefined>
  /** Events of all streams but archived ones in the order of positions, after `after`. Only what can no longer be overtaken by a commit in flight. `archived`: with the
   * archived ones. */
  readAll(options: { after: number; max: number; archived?: boolean }): Promise<readonly StoredEvent[]>
  /** Position of the last event that {@link readAll} may give out; 0 when there is none. */
  head(): Promise<number>
  /**
   * Closes a stream: from the commit on it takes no appends, and `readAll` leaves it out. It can be read as before. Repeating it changes nothing.
   * A projection that had not come to its events yet does not get them.
   * @throws NotFoundError when there is no such stream
   */
  archive(tx: Transaction, stream: string): Promise<void>
  /** Opens an archived stream again. Its events are back in their old places: a reader that is past those is not told. Repeating it changes nothing. */
  restore(tx: Transaction, stream: string): Promise<void>
  /** When the stream was archived, in milliseconds since the epoch; undefined when it is not. */
  archivedAtMs(stream: string, tx?: Transaction): Promise<number | undefined>
  loadSnapshot(stream: string, tx?: Transaction): Promise<StoredSnapshot | undefined>
  /** Replaces the stream's snapshot, in the transaction that appended the last event it sums up. */
  saveSnapshot(tx: Transaction, snapshot: StoredSnapshot): Promise<void>
  /** Calls `listener` after each commit that appended, in this process. @returns a function that stops it */
  onAppended(listener: () => void): () => void
}

/** How many events one read returns unless told otherwise. */
export const EVENTS_PAGE_MAX = 1_000
