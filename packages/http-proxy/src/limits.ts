/** Every bound that the proxy keeps. All have defaults; none is infinite. */
export interface HttpProxyLimits {
  /** Largest request body. More is answered 413. */
  readonly bodyBytesMax: number
  /** Bodies up to this size that came with their head are kept until the upstream answers, so that they can be sent again. */
  readonly keptBodyBytesMax: number
  /** Clients' connections at once. A further one is closed as it comes. */
  readonly connectionsMax: number
  /** Tunnels at once, of all clients: one connection of HTTP/2 may ask for as many as it has streams, and each is a connection to an upstream. More are answered 503. */
  readonly tunnelsMax: number
  readonly headerBytesMax: number
  readonly headersMax: number
  /** Requests at once on one connection of a client that speaks HTTP/2. */
  readonly streamsMax: number
  /** How many of its requests such a client may reset unanswered, beyond those that it lets be answered; so many more a second. Then its connection ends. */
  readonly resetsMax: number
  readonly resetsPerSecond: number
  /** How many PING and SETTINGS it may send; so many more a second. */
  readonly controlFramesMax: number
  readonly controlFramesPerSecond: number
  /** Connections to one upstream that speaks HTTP/2, and requests at once on each; fewer if the upstream says so. */
  readonly upstreamSessionsMax: number
  readonly upstreamStreamsMax: number
  /** Connections to one upstream, and the requests that queue behind them. */
  readonly upstreamConnectionsMax: number
  readonly queueMax: number
  /** How long a request may queue. */
  readonly queueTimeoutMs: number
  readonly connectTimeoutMs: number
  /** How long an upstream may take to begin its answer. */
  readonly answerTimeoutMs: number
  /** How long a connection to an upstream is kept without a request, or less if the upstream says so by `Keep-Alive`. Shorter than what servers keep, because a request on a connection that is being closed is lost. */
  readonly upstreamIdleMs: number
  /** Answers such as 103 before the answer. */
  readonly interimAnswersMax: number
  /** How long a client may take to send its head, and its whole request. */
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  /** How long an answer or a tunnel may be silent. */
  readonly silenceTimeoutMs: number
  /** How long the rest of a refused body is read and thrown away, so that the client gets to see its answer. */
  readonly lingerMs: number
  /** How long requests in flight may take to finish when the proxy stops. */
  readonly drainTimeoutMs: number
}

export const defaultLimits: HttpProxyLimits = {
  bodyBytesMax: 1_048_576,
  keptBodyBytesMax: 65_536,
  connectionsMax: 8_192,
  tunnelsMax: 8_192,
  headerBytesMax: 16_384,
  headersMax: 100,
  streamsMax: 100,
  resetsMax: 100,
  resetsPerSecond: 10,
  controlFramesMax: 2_000,
  controlFramesPerSecond: 500,
  upstreamSessionsMax: 8,
  upstreamStreamsMax: 100,
  upstreamConnectionsMax: 512,
  queueMax: 1_024,
  queueTimeoutMs: 5_000,
  connectTimeoutMs: 1_000,
  answerTimeoutMs: 30_000,
  upstreamIdleMs: 4_000,
  interimAnswersMax: 16,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  silenceTimeoutMs: 120_000,
  lingerMs: 1_000,
  drainTimeoutMs: 2_500,
}

/** How finely time limits are kept: a quarter of the shortest, within reason. */
export function tickMsFor(limits: HttpProxyLimits): number {
  const { queueTimeoutMs, connectTimeoutMs, answerTimeoutMs, upstreamIdleMs, headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs } =
    limits
  const shortest = Math.min(
    queueTimeoutMs,
    connectTimeoutMs,
    answerTimeoutMs,
    upstreamIdleMs,
    headersTimeoutMs,
    requestTimeoutMs,
    keepAliveTimeoutMs,
    limits.silenceTimeoutMs,
    limits.lingerMs,
  )
  return Math.min(250, Math.max(5, Math.floor(shortest / 4)))
}
