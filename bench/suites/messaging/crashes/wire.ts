import type { EventEnvelope } from 'seaworthy/messaging'

/** What a relay's process sends for each append, and the answer once all of it is handled. */
export interface Batch {
  readonly number: number
  readonly events: readonly EventEnvelope[]
}
export interface Confirmation {
  readonly number: number
}

/** What each process sends first, once it is at work. */
export interface Ready {
  readonly ready: true
}

export const TOPIC = 'orders'
/** Few enough that writers meet on them, and that relays have each in several batches at once. */
export const KEYS = 2_000
