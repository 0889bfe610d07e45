import type { ResponseHead } from './head.ts'
import type { WheelTimer } from './timer-wheel.ts'
import type { AnswerPart, UpstreamTunnel } from './upstream-link.ts'

/** The client's side of an exchange. */
export interface ExchangeClient {
  /** How long whoever is due next may take: the client, or the upstream. Whoever fires it calls {@link Exchange.expire}. */
  readonly timer: WheelTimer
  /** It asked for another protocol in such a way that any 2xx would say that it is spoken. */
  readonly mustSwitch: boolean
  /** An answer before the answer: 100, 103. */
  writeInterim(head: ResponseHead): void
  /** @returns false when the client takes no more for now */
  writeAnswer(part: AnswerPart): boolean
  pauseBody(): void
  resumeBody(): void
  /** The answer has been written whole. */
  onAnswered(status: number): void
  /** Nothing of an answer has been written: the error is to be answered. */
  onFailed(error: unknown): void
  /** An answer broke off. A clean end would pass half of it off as the whole. */
  onTorn(): void
  /** Whether a 101 is what it asked for. */
  agreesTo(head: ResponseHead): boolean
  /** The upstream agreed to speak another protocol; `rest` is of that. */
  onSwitched(head: ResponseHead, upstream: UpstreamTunnel, rest: Buffer): void
  /** Some of what was written waits to be sent, and is still needed. */
  readonly holdsBytes: boolean
}
