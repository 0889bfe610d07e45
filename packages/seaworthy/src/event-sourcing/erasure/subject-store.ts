import type { Transaction } from 'seaworthy/core'

/** What is known of a subject's key. It was made (`kept`), and it may have been deleted since (`forgotten`). */
export type SubjectKey =
  | { readonly kind: 'kept'; readonly key: Uint8Array }
  | {
      readonly kind: 'forgotten'
      /** Milliseconds since the epoch. */
      readonly atMs: number
    }

/** How forgetting went. */
export interface Forgotten {
  /** When the key was deleted, the first time; milliseconds since the epoch. */
  readonly atMs: number
  /** Where this engine cannot say that the key's bytes are gone, and what to do about it. Empty when they are. */
  readonly remains: readonly string[]
}

/** A key for each subject, and in which streams each one is. */
export interface SubjectStore {
  /**
   * The keys of these subjects, made where there is none, and noted that the stream holds them. Until the transaction ends nobody forgets them.
   * A subject that was forgotten gets no new key.
   */
  hold(tx: Transaction, stream: string, subjects: readonly string[]): Promise<ReadonlyMap<string, SubjectKey>>
  /** What is known of these subjects; one that never had a key is left out. In a transaction nobody forgets them until it ends. */
  keys(subjects: readonly string[], tx?: Transaction): Promise<ReadonlyMap<string, SubjectKey>>
  /** Everybody whom a stream holds. */
  subjectsOf(stream: string, tx: Transaction): Promise<readonly string[]>
  /** Every stream that holds the subject. */
  streamsOf(subject: string): Promise<readonly string[]>
  /**
   * Runs `within`, deletes the key, and cleans where it lay. Safe to repeat, and to be repeated after a crash.
   * @param within what is erased in the same transaction of the events' database
   */
  forget(subject: string, within: (tx: Transaction) => Promise<void>): Promise<Forgotten>
}
