import type { Admission } from './admission.ts'
import type { ResponseHead } from './head.ts'
import type { UpstreamPool } from './upstream-pool.ts'

/** Somewhere that requests go: it decides when each is sent, over which connections, and whether again. */
export interface Upstream {
  readonly name: string
  /** Whoever leads the request on. Nothing is done before its `begin`. */
  forwarding(request: ForwardedRequest): Forwarding
}

/** A request that was admitted and has had no answer, as its {@link Forwarding} sees it. */
export interface ForwardedRequest {
  readonly admission: Admission
  /** Its body is there whole, or it has none. */
  readonly hasArrived: boolean
  /** All of it that has come is kept: it can be sent, or sent again, from its beginning. */
  readonly isReplayable: boolean
  /** A repetition does no harm: the method is safe, or a key that is sent along lets the receiver tell it. */
  readonly isRepeatable: boolean
  /** An attempt was sent whose outcome nobody knows. */
  readonly mayHaveRun: boolean
  /** Sends it over one of these connections, or over a new one. It needs to be replayable, and no attempt of it at work. */
  attempt(pool: UpstreamPool, options?: { readonly isFresh?: boolean }): void
  /** Answers it with the error. */
  fail(error: unknown): void
}

/** What came of an attempt that brought no answer. */
export interface AttemptFailure {
  /** Says what is known about the effect. */
  readonly error: Error
  /** Not a byte came back on a connection that had served before, which most likely was being closed when the request was on its way; or the upstream said that it took no more on it. */
  readonly wasStale: boolean
}

/** Leads one request on. All of it happens between `begin` and `onEnd`, of which there is one each. */
export interface Forwarding {
  /** From here on it owes the request an attempt or an error, now or later. */
  begin(): void
  /** The body is there whole, before an attempt was made or while none is at work. */
  onArrived(): void
  /**
   * The head of an answer is there.
   * @returns why it is taken for an attempt that failed, rather than relayed
   */
  onHead(head: ResponseHead): Error | undefined
  /** A part of the body of the answer that is relayed was written to the client; with `ends` the last one. Its bytes are overwritten after the call. */
  onBody?(spans: readonly Buffer[], ends: boolean): void
  /** The attempt is over, and the client has had nothing of an answer. The forwarding owes another attempt or an error again. */
  onFailed(failure: AttemptFailure): void
  /** The answer was relayed or broke off, the protocol was switched, the error was answered, or the client is gone. */
  onEnd(error: unknown): void
}
