import type { TappedAnswer } from '@seaworthy/http-proxy'

/** A request that goes to the old side of a route, and may be shown to the new one as well. */
export interface MirrorCandidate {
  /** Id of the route. */
  readonly route: string
  readonly method: string
  /** Path and query, byte for byte as the client sent them. */
  readonly target: string
  /** The end-to-end field lines of the request, each with its CRLF, as latin1; without Host, framing, origin and context. */
  readonly lines: string
  /** The Host field, as it came. */
  readonly host: string | undefined
}

/** Hears of what may be shadowed. Called on the way of the request: whatever takes time belongs elsewhere, and nothing that it throws reaches the client. */
export interface Mirror {
  /** Answers with a longer body are told without it. */
  readonly bodyBytesMax: number
  /** @returns who is to be told the answer once the client has it; undefined where it is not wanted */
  tapOf(candidate: MirrorCandidate): ((answer: TappedAnswer) => void) | undefined
}
