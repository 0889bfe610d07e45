import type { TraceSpan } from './span-tree.ts'

/** A span with what a verdict looks at. */
export interface VerdictSpan extends TraceSpan {
  readonly name: string
  readonly kind: 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  readonly service: string
  /** Which process of the service, where it says so. Spans of a service without are of one process. */
  readonly instance?: string | undefined
  readonly attributes: readonly SpanAttribute[]
  /** Why it failed, if it did. */
  readonly error?: string | undefined
  readonly events?: readonly SpanEvent[] | undefined
}

export interface SpanAttribute {
  readonly key: string
  readonly value: string
}

export interface SpanEvent {
  readonly name: string
  /** Microseconds, from the origin of the span's own times. */
  readonly atUs: number
  readonly attributes: readonly SpanAttribute[]
}

/**
 * Where time went:
 * - `code`: its own code waited for something that no span covers, such as a timer or a file
 * - `cpu`: the thread computed, or would have if a processor had been free, for this request or for others
 * - `blocked-loop`: a synchronous call held the event loop, and the CPU was idle
 * - `pool-wait`: no database connection was free, or SQLite's writer was taken
 * - `lock-wait`: a statement waited for a lock that somebody held
 * - `query`: the database was at work
 * - `network`: between a call and its being served, on the way there or back
 * - `queue`: a message lay in an outbox, a log or a queue
 * - `admission`: a bulkhead, a limiter or a gateway held it up
 * - `downstream`: somebody else was at work: in a span's parts, its children; in a trace's, a callee that sends no spans
 * - `unexplained`: nobody recorded enough to tell
 */
export type Cause =
  | 'code'
  | 'cpu'
  | 'blocked-loop'
  | 'pool-wait'
  | 'lock-wait'
  | 'query'
  | 'network'
  | 'queue'
  | 'admission'
  | 'downstream'
  | 'unexplained'

/** In the order in which a span's parts are told. */
export const CAUSES: readonly Cause[] = [
  'code',
  'cpu',
  'blocked-loop',
  'admission',
  'pool-wait',
  'lock-wait',
  'query',
  'network',
  'queue',
  'downstream',
  'unexplained',
]
