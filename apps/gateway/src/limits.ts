import { type Backoff, exponential } from 'seaworthy/core'

/** Every bound that the gateway keeps. All have defaults; none is infinite. */
export interface GatewayLimits {
  /** Largest request body. More is answered 413. */
  readonly bodyBytesMax: number
  /** Bodies up to this size are kept until the upstream answers, so that they can be sent again. */
  readonly keptBodyBytesMax: number
  /** Clients' connections at once. A further one is closed as it comes. */
  readonly connectionsMax: number
  readonly headerBytesMax: number
  readonly headersMax: number
  /** How long a request may wait for its upstream to come back, or less if the client says so by `x-request-timeout-ms`. */
  readonly waitMaxMs: number
  /** Requests to one upstream that may wait for it to come back. */
  readonly waitingMax: number
  readonly waitBackoff: Backoff
  /** Requests to one upstream at once, and those that queue behind them. */
  readonly concurrencyMax: number
  readonly queueMax: number
  /** Requests to one upstream at once, besides those, whose body is still coming in: large ones, and those of unknown length. */
  readonly streamingMax: number
  readonly connectTimeoutMs: number
  /** How long an upstream may take to begin its answer. */
  readonly answerTimeoutMs: number
  /** How long a client may take to send its headers, and its whole request. */
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  /** How long a client's connection may be silent both ways while it has a request open. */
  readonly silenceTimeoutMs: number
  /** How long the rest of a refused body is read and thrown away, so that the client gets to see its answer. */
  readonly lingerMs: number
  /** A hold that nobody releases ends after this. */
  readonly holdMaxMs: number
  /** How long a hold waits for requests in flight before it is confirmed all the same. */
  readonly holdDrainMs: number
  /** How long requests in flight may take to finish when the gateway stops. */
  readonly drainTimeoutMs: number
}

export const defaultLimits: GatewayLimits = {
  bodyBytesMax: 1_048_576,
  keptBodyBytesMax: 65_536,
  connectionsMax: 8_192,
  headerBytesMax: 16_384,
  headersMax: 100,
  waitMaxMs: 10_000,
  waitingMax: 1_024,
  waitBackoff: exponential({ baseMs: 20, maxMs: 250, jitter: 'equal' }),
  concurrencyMax: 512,
  queueMax: 1_024,
  streamingMax: 128,
  connectTimeoutMs: 1_000,
  answerTimeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  silenceTimeoutMs: 120_000,
  lingerMs: 1_000,
  holdMaxMs: 60_000,
  holdDrainMs: 5_000,
  drainTimeoutMs: 2_500,
}
