import type { Admission } from './admission.ts'
import type { Framing } from './framing.ts'
import type { ResponseHead } from './head.ts'
import type { BodyPart } from './message-writer.ts'
import type { TunnelEnd } from './tunnel.ts'

/** A part of an answer, as it came. */
export interface AnswerPart extends BodyPart {
  /** With the first part. */
  readonly head: ResponseHead | undefined
  /** Of the answer's body. */
  readonly framing: Framing
}

/** Why a link ended under a request, and how far that had come. */
export interface Breakage {
  readonly cause: Error
  /**
   * - `connecting`: nothing was sent.
   * - `refused`: the upstream says that it did not look at it.
   * - `silent`: it was sent, and no byte came back.
   * - `answering`: some did.
   */
  readonly stage: 'connecting' | 'refused' | 'silent' | 'answering'
  /** The connection had served before: the upstream may have been closing it when the request was sent. */
  readonly wasReused: boolean
}

/** The request that a link serves. */
export interface LinkUser {
  /** It is there to be written on. Not told of one that is handed over open. */
  onOpen(): void
  /** Answers before the answer: 100, 103. */
  onInterim(head: ResponseHead): void
  /** The upstream switched protocols, and says so as in HTTP/1.1 whatever it speaks; `rest` is of the new one. */
  onSwitch(head: ResponseHead, tunnel: UpstreamTunnel, rest: Buffer): void
  onAnswer(part: AnswerPart): void
  /** The upstream takes more again. */
  onDrain(): void
  onBroken(breakage: Breakage): void
  /** Bytes that it was handed wait to be written, so that they are still needed. */
  readonly holdsBytes: boolean
}

/** One request's way to an upstream: a connection of HTTP/1.1, or a stream of HTTP/2. */
export interface UpstreamLink {
  readonly isOpen: boolean
  begin(user: LinkUser, method: string): void
  /**
   * Sends the head, and with it what of the body is there.
   * @param remainingMs what is left of the client's own limit
   * @returns false when the upstream wants no more for now
   */
  sendHead(admission: Admission, remainingMs: number | undefined, body: BodyPart): boolean
  /** Sends more of the body. */
  sendBody(body: BodyPart): boolean
  /** Reads no more of the answer for now. */
  pause(): void
  resume(): void
  /** Ends it, because its request is of no more use. */
  abandon(): void
}

/** Takes what comes of another protocol. */
export interface TunnelReader {
  onBytes(bytes: Buffer): void
  /** Bytes that it was handed wait to be written, so that they are still needed. */
  readonly holdsBytes: boolean
}

/** A link over which another protocol is spoken from now on. */
export interface UpstreamTunnel {
  /** To write on, and to pause. */
  readonly end: TunnelEnd
  /** Hands on all that comes. */
  readBy(reader: TunnelReader): void
  abandon(): void
}
