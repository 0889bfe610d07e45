import type { Part } from './message-writer.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/** The client's side of an exchange. */
export interface ExchangeClient {
  /** @returns false when the client takes no more for now */
  write(part: Part): boolean
  pauseBody(): void
  resumeBody(): void
  /** The request went out whole; from now on the upstream's time counts: `answerTimeoutMs`. */
  onSent(answerTimeoutMs: number): void
  /** No attempt is at work: whoever leads the request on counts the time. */
  onWaiting(): void
  /** The head of the answer is about to be written. */
  onHead(): void
  /** The answer has been written whole. */
  onAnswered(options: { readonly closes: boolean; readonly status: number }): void
  /** Nothing of an answer has been written: the error is to be answered. */
  onFailed(error: unknown): void
  /** An answer broke off. A clean end would pass half of it off as the whole. */
  onTorn(): void
  onSwitched(connection: UpstreamConnection, rest: Buffer): void
  /** Whether the connection may serve another request after this one. */
  readonly mayKeepAlive: boolean
  /** Some of what was written waits to be sent. */
  readonly holdsBytes: boolean
}
