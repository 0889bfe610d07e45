import type { SQSClient } from '@aws-sdk/client-sqs'
import { UnavailableError, UnknownOutcomeError, systemClock } from 'seaworthy/core'
import { typed } from './errors.ts'

/** Requests to SQS: each has an end, since a connection of which one end has gone says nothing, and each error is typed. */
export class Wire {
  readonly #client: SQSClient
  readonly #answerTimeoutMs: number
  // Aborted at the close: nobody waits for answers any more.
  readonly #over = new AbortController()

  constructor(client: SQSClient, answerTimeoutMs: number) {
    this.#client = client
    this.#answerTimeoutMs = answerTimeoutMs
  }

  /**
   * @param options.changes whether the request changes anything
   * @param options.waitMs how long SQS may take before it even answers, as a long poll does
   */
  async ask<Output>(
    request: (client: SQSClient, options: { abortSignal: AbortSignal }) => Promise<Output>,
    { what, changes, waitMs = 0 }: { what: string; changes: boolean; waitMs?: number },
  ): Promise<Output> {
    const controller = new AbortController()
    const timeoutMs = waitMs + this.#answerTimeoutMs
    // On the system's clock, because the network knows no other.
    const timer = systemClock.timer(timeoutMs, () => {
      const message = `${what}: SQS gave no answer within ${timeoutMs} ms.`
      controller.abort(changes ? new UnknownOutcomeError(message) : new UnavailableError(message))
    })
    const onOver = () => controller.abort(new UnavailableError(`${what}: the queue was closed.`))
    this.#over.signal.addEventListener('abort', onOver, { once: true })
    if (this.#over.signal.aborted) onOver()
    try {
      return await request(this.#client, { abortSignal: controller.signal })
    } catch (error) {
      throw typed(controller.signal.aborted ? controller.signal.reason : error, { what, changes })
    } finally {
      timer.cancel()
      this.#over.signal.removeEventListener('abort', onOver)
    }
  }

  close(): void {
    this.#over.abort()
  }
}
