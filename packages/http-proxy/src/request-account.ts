import type { CallContext, Clock } from 'seaworthy/core'
import type { Peer } from './admission.ts'
import type { ConnectionHost } from './connection-host.ts'
import type { Destination } from './destination.ts'
import type { RequestHead } from './head.ts'
import type { OperationOutcome } from './observed-operation.ts'
import type { RequestEnd } from './request-end.ts'

interface Accounted {
  readonly head: RequestHead
  readonly context: CallContext
  readonly peer: Peer
  readonly destination: Destination | undefined
}

/** Keeps the times of one request, and tells its end once. */
export class RequestAccount {
  readonly #request: Accounted
  readonly #clock: Clock
  readonly #tell: (end: RequestEnd) => void
  readonly #startedMs: number
  #answerMs: number | undefined

  private constructor(request: Accounted, clock: Clock, tell: (end: RequestEnd) => void) {
    this.#request = request
    this.#clock = clock
    this.#tell = tell
    this.#startedMs = clock.monotonicMs()
  }

  /** @returns undefined when nobody wants to hear of it */
  static open({ clock, onRequestEnd }: ConnectionHost, request: Accounted): RequestAccount | undefined {
    return onRequestEnd === undefined ? undefined : new RequestAccount(request, clock, onRequestEnd)
  }

  /** The head of the answer is written. */
  answered(): void {
    this.#answerMs ??= this.#clock.monotonicMs() - this.#startedMs
  }

  end(outcome: RequestEnd['outcome'], { status, error }: OperationOutcome): void {
    const { head, context, peer, destination } = this.#request
    this.#tell({
      method: head.method,
      target: head.target,
      correlationId: context.correlationId,
      clientAddress: peer.address,
      destination,
      outcome,
      status,
      error,
      answerMs: this.#answerMs,
      durationMs: this.#clock.monotonicMs() - this.#startedMs,
    })
  }
}
