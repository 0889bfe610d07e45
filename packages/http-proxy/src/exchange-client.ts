import type { ResponseHead } from './head.ts'
import type { UpstreamConnection } from './upstream-connection.ts'
import type { AnswerPart } from './upstream-link.ts'

/** The client's side of an exchange. */
export interface ExchangeClient {
  /** An answer before the answer: 100, 103. */
  writeInterim(head: ResponseHead): void
  /** @returns false when the client takes no more for now */
  writeAnswer(part: AnswerPart): boolean
  pauseBody(): void
  resumeBody(): void
  /** The request went out whole; from now on the upstream's time counts: `answerTimeoutMs`. */
  onSent(answerTimeoutMs: number): void
  /** No attempt is at work: whoever leads the request on counts the time. */
  onWaiting(): void
  /** The answer has been written whole. */
  onAnswered(status: number): void
  /** Nothing of an answer has been written: the error is to be answered. */
  onFailed(error: unknown): void
  /** An answer broke off. A clean end would pass half of it off as the whole. */
  onTorn(): void
  /** The upstream agreed to speak another protocol; `rest` is of that. */
  onSwitched(head: ResponseHead, connection: UpstreamConnection, rest: Buffer): void
  /** Some of what was written waits to be sent, and is still needed. */
  readonly holdsBytes: boolean
}
