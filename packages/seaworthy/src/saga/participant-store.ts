import type { InvalidField, Transaction } from 'seaworthy/core'

/** A refusal as it is remembered, so that it can be given again. */
export interface StoredRefusal {
  readonly code: string
  readonly message: string
  /** Of a RejectedError. */
  readonly reason?: string
  /** Of an InvalidInputError. */
  readonly fields?: readonly InvalidField[]
}

/**
 * What a participant remembers under a key:
 * - `answered`: the action was done, with this answer.
 * - `refused`: it was refused, for good.
 * - `compensated`: it was undone, or must never be done: a compensation can overtake its action.
 */
export type ParticipantRecord =
  | { readonly kind: 'answered'; readonly fingerprint: string; readonly answer: unknown }
  | { readonly kind: 'refused'; readonly fingerprint: string; readonly refusal: StoredRefusal }
  | { readonly kind: 'compensated' }

/** What a service remembers of the saga steps that it took part in: in its own database, beside their effects. */
export interface ParticipantStore {
  /** The record of the key. Takes the key's lock until the transaction ends, whether there is a record or not, so that duplicates wait for each other. */
  load(tx: Transaction, key: string): Promise<ParticipantRecord | undefined>
  save(tx: Transaction, key: string, record: ParticipantRecord, atMs: number): Promise<void>
  /** Forgets records last changed before `olderThanMs` (milliseconds since the epoch). Keep them for longer than any saga can take. @returns how many */
  forget(olderThanMs: number): Promise<number>
}
