/**
 * The way in of an Express application: `app.use(guarded(guard))` before the routes, `app.use(problemDetails)` after them.
 *
 * The problem: a server that takes every request answers all of them too late.
 * The guarantee: a request that the guard turns away is answered before its body is read, with Problem Details and
 * `Retry-After`; the handler's call context has the caller's deadline, and a signal that aborts when time is up or the client leaves.
 * Not promised: a handler that ignores the signal goes on. Its place in a bulkhead is held until the answer is over, no longer:
 * Express does not tell when a handler ends.
 */
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { currentContext, withContext } from 'seaworthy/core'
import { PROBLEM_TYPE } from 'seaworthy/http'
import type { Guard } from 'seaworthy/resilience'
import { admit, type GuardedOptions } from './admission.ts'
import { answerOf, NodeExchange } from './node-exchange.ts'

export type { GuardedOptions }

/** Middleware that lets requests in through a guard. What is mounted before it, health checks say, is not guarded. */
export function guarded(guard: Guard, options: GuardedOptions<Request> = {}): RequestHandler {
  return (request, response, next) => {
    const exchange = new NodeExchange(request, response)
    void admit(guard, {
      incoming: exchange.incoming,
      actor: options.actorOf?.(request),
      handle: (call) => {
        withContext(call, next)
        return exchange.over
      },
      refuse: (error) => exchange.refuse(error),
    })
  }
}

/** Error middleware: answers what a handler throws of the library's errors as Problem Details, and hands everything else on. */
export function problemDetails(error: unknown, _request: Request, response: Response, next: NextFunction): void {
  const answer = response.headersSent ? undefined : answerOf(error, currentContext()?.correlationId)
  if (answer === undefined) next(error)
  else response.status(answer.status).set(answer.headers).type(PROBLEM_TYPE).send(JSON.stringify(answer.problem))
}
