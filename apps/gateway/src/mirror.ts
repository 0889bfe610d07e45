/** A safe request (GET or HEAD) that goes to the old side of a route, and may be shown to the new one as well. */
export interface MirrorCandidate {
  /** Id of the route. */
  readonly route: string
  readonly method: 'GET' | 'HEAD'
  /** Path and query, byte for byte as the client sent them. */
  readonly target: string
  /** The end-to-end field lines of the request, each with its CRLF, as latin1; without Host, framing, origin and context. */
  readonly lines: string
  readonly correlationId: string
  /** Name of the upstream that the route moves to. */
  readonly to: string
}

/** Hears of what may be shadowed. Called on the way of the request: whatever takes time belongs elsewhere, and nothing that it throws reaches the client. */
export interface Mirror {
  offer(candidate: MirrorCandidate): void
}
