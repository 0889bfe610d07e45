import type { Destination } from './destination.ts'

/** What became of a request, for logs and counts. */
export interface RequestEnd {
  readonly method: string
  /** Path and query as the client sent them. */
  readonly target: string
  readonly correlationId: string
  readonly clientAddress: string
  /** Undefined when it was refused before it had one. */
  readonly destination: Destination | undefined
  /** Of the answer; undefined when there was none. */
  readonly status: number | undefined
  /** What the proxy answered in the upstream's place. */
  readonly error: unknown
  /** - `answered`, by the upstream or the proxy;
   *  - `broken`: the answer broke off;
   *  - `left`: the client did, before it had the whole answer;
   *  - `switched`: to another protocol. */
  readonly outcome: 'answered' | 'broken' | 'left' | 'switched'
  /** From the head of the request to that of the answer, and to the end of it, in milliseconds. */
  readonly answerMs: number | undefined
  readonly durationMs: number
}
