import type { EntityKeySource, KeySource } from './request-key.ts'
import type { GuardDeclaration } from './guard.ts'
import type { ShadowDeclaration } from './shadow-declaration.ts'

/** Which requests a rule is about. What is left out is not looked at. */
export interface RuleMatch {
  /** A path template: `/api/reviews/:id`, or `/api/*` for everything below. */
  readonly path: string
  /** More templates: what changes the same data is one route, so that it moves at one time. */
  readonly also?: readonly string[]
  readonly methods?: readonly string[]
  /** Exact names, without a port. */
  readonly hosts?: readonly string[]
  /** Exact values by name. */
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
}

/** One route of a monolith that is being taken apart, as data. */
export interface RuleDeclaration {
  readonly id: string
  readonly match: RuleMatch
  /** The upstream that has it. */
  readonly from: string
  /** The upstream that it moves to; absent while nothing moves. */
  readonly to?: string
  /** What the ledger begins with, in percent, from 0 to 100. Later it says itself what the share is. */
  readonly share?: number
  /** By what a user is told, so that each stays on one side. */
  readonly stickyBy?: KeySource
  /** By what a tenant is told, each of which may have a share of its own. */
  readonly tenantBy?: KeySource
  /** Where the data of the route says whether it is ready for a larger share. */
  readonly data?: {
    readonly url: string
    /** The cut-over that hands the data over when the share comes to 100 %, and back when it is rolled back. Until then whatever writes stays with `from`. */
    readonly move?: string
    /** Where a request says under which key it writes and reads, as the mapping of its data has it: a key that the old side does not have yet after a rollback waits alone. */
    readonly key?: EntityKeySource
  }
  /** Reads that the old side answers are put to the new one as well, and compared. */
  readonly shadow?: ShadowDeclaration
  /** When the route goes back by itself. `false`: never. */
  readonly guard?: GuardDeclaration | false
}

export type Side = 'from' | 'to'
