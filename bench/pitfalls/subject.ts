/** A call as every library makes it; the signal is there if the library has one. */
export type Body<T = unknown> = (signal: AbortSignal | undefined) => Promise<T>

/** One policy of one library, set up as its manual says. */
export interface Subject {
  call<T>(body: Body<T>, signal?: AbortSignal): Promise<T>
  state?(): 'closed' | 'open' | 'half-open'
  /** Calls `listener` whenever the library tells of a call that went well, or of a circuit that closes. */
  onGood?(listener: () => void): void
  stop?(): void
}

interface BreakerSettings {
  readonly openMs: number
  /** How long a probe may be without a result, where the library can say so. */
  readonly probeLeaseMs?: number
}

/** What is asked of a library. What it does not offer is left out. */
export interface Library {
  readonly name: string
  /** Opens at the first failure. Only errors of class Down are known to be the receiver's. */
  breaker(settings: BreakerSettings): Subject
  /** Opens when half of the calls of the last `windowMs` failed, ten at least. */
  rateBreaker(settings: BreakerSettings & { readonly windowMs: number }): Subject
  bulkhead(settings: { readonly concurrencyMax: number; readonly queueMax: number; readonly timeoutMs?: number }): Subject
  timeout(settings: { readonly timeoutMs: number }): Subject
  retry?(settings: { readonly attemptsMax: number; readonly delayMs: number }): Subject
}

/** The receiver is down. */
export class Down extends Error {}
