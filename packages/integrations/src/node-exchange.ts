import type { IncomingMessage, ServerResponse } from 'node:http'
import { SeaworthyError } from 'seaworthy/core'
import {
  clientLeft,
  CONTEXT_HEADERS,
  errorAnswer,
  type ErrorAnswer,
  FailedAnswerError,
  IncomingCall,
  isFailedStatus,
  isInternal,
  PROBLEM_TYPE,
} from 'seaworthy/http'

/** A request and its answer on Node's HTTP server: what fastify, Express and NestJS are built on. */
export class NodeExchange {
  readonly incoming: IncomingCall
  /** Settles when the answer is written. Rejects when it was a failure of the server, or nobody waited for it. */
  readonly over: Promise<void>
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#response = response
    this.incoming = new IncomingCall((name) => {
      const value = request.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    })
    response.setHeader(CONTEXT_HEADERS.correlationId, this.incoming.context.correlationId)
    this.over = new Promise((resolve, reject) => {
      response.once('close', () => {
        const { statusCode, writableFinished } = response
        if (!writableFinished) {
          const reason = clientLeft()
          this.incoming.abort(reason)
          reject(reason)
        } else if (isFailedStatus(statusCode)) {
          reject(new FailedAnswerError(`The handler of ${request.method}`, statusCode, (name) => response.getHeader(name)?.toString()))
        } else resolve()
      })
    })
    // It may reject before anybody was let in.
    this.over.catch(() => {})
  }

  /** Answers an error, if nothing has been answered yet. */
  refuse(error: unknown): void {
    const response = this.#response
    if (response.headersSent || response.writableEnded || response.destroyed) return
    const { status, headers, problem } = errorAnswer(error, this.incoming.context.correlationId)
    // A handler that has begun may still write: not into the next answer of this connection.
    response.writeHead(status, { ...headers, 'content-type': PROBLEM_TYPE, connection: 'close' })
    response.end(JSON.stringify(problem))
  }
}

/** How a typed error is answered; undefined for all others, and for those whose reason only a log should have: they are the framework's. */
export function answerOf(error: unknown, correlationId: string | undefined): ErrorAnswer | undefined {
  if (!(error instanceof SeaworthyError)) return undefined
  const answer = errorAnswer(error, correlationId)
  return isInternal(answer) ? undefined : answer
}
