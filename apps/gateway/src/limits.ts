import { defaultLimits as proxyLimits, type HttpProxyLimits } from '@seaworthy/http-proxy'
import { type Backoff, exponential } from 'seaworthy/core'

/** Every bound that the gateway keeps, besides those of its data plane. All have defaults; none is infinite. */
export interface GatewayLimits extends HttpProxyLimits {
  /** How long a request may wait for its upstream to come back, or less if the client says so by `x-request-timeout-ms`. */
  readonly waitMaxMs: number
  /** Requests to one upstream that may wait for it to come back. */
  readonly waitingMax: number
  readonly waitBackoff: Backoff
  /** Requests to one upstream at once; `queueMax` more may queue behind them. */
  readonly concurrencyMax: number
  /** Requests to one upstream at once, besides those, whose body is still coming in: large ones, and those of unknown length. */
  readonly streamingMax: number
  /** How long an instance that could not be reached is passed over, while there are others. */
  readonly passedOverMs: number
  /** A hold that nobody releases ends after this. */
  readonly holdMaxMs: number
  /** How long a hold waits for requests in flight before it is confirmed all the same. */
  readonly holdDrainMs: number
}

export const defaultLimits: GatewayLimits = {
  ...proxyLimits,
  waitMaxMs: 10_000,
  waitingMax: 1_024,
  waitBackoff: exponential({ baseMs: 20, maxMs: 250, jitter: 'equal' }),
  concurrencyMax: 512,
  streamingMax: 128,
  passedOverMs: 1_000,
  holdMaxMs: 60_000,
  holdDrainMs: 5_000,
  drainTimeoutMs: 3_700,
}
