import type { Notification, Row } from '../../src/postgres-model/index.ts'
import type { Step } from './random-program.ts'

/** How a statement ended. */
export type Outcome = { readonly rows: readonly Row[]; readonly rowCount: number } | { readonly error: string }

/** What was seen after a step, once nothing moved any more: who ended and who waits, in the order of sessions. */
export interface Seen {
  readonly ended: readonly { readonly session: number; readonly outcome: Outcome }[]
  /** Each with those that it waits for: who has what it wants, and on the server those before it in the queue too. */
  readonly waiting: readonly { readonly session: number; readonly blockers: readonly number[] }[]
}

export interface Transcript {
  readonly steps: readonly Step[]
  readonly seen: readonly Seen[]
  /** What each session was notified of. */
  readonly notifications: readonly (readonly Notification[])[]
}
