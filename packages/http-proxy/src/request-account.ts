import type { Clock } from 'seaworthy/core'
import type { OperationOutcome } from './observed-operation.ts'
import type { RequestEnd } from './request-end.ts'

/** Keeps the times of one request, and tells its end once. */
export class RequestAccount {
  readonly #request: Pick<RequestEnd, 'method' | 'target' | 'correlationId' | 'clientAddress' | 'destination'>
  readonly #clock: Clock
  readonly #tell: (end: RequestEnd) => void
  readonly #startedMs: number
  #answerMs: number | undefined

  constructor(
    request: Pick<RequestEnd, 'method' | 'target' | 'correlationId' | 'clientAddress' | 'destination'>,
    clock: Clock,
    tell: (end: RequestEnd) => void,
  ) {
    this.#request = request
    this.#clock = clock
    this.#tell = tell
    this.#startedMs = clock.monotonicMs()
  }

  /** The head of the answer is written. */
  answered(): void {
    this.#answerMs ??= this.#clock.monotonicMs() - this.#startedMs
  }

  end(outcome: RequestEnd['outcome'], { status, error }: OperationOutcome): void {
    const durationMs = this.#clock.monotonicMs() - this.#startedMs
    this.#tell({ ...this.#request, outcome, status, error, answerMs: this.#answerMs, durationMs })
  }
}
