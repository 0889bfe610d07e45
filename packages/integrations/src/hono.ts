/**
 * The way in of a Hono application: `app.use(guarded(guard))`, and `app.onError(problemDetails)`.
 *
 * The problem: a server that takes every request answers all of them too late.
 * The guarantee: a request that the guard turns away is answered before its body is read, with Problem Details and
 * `Retry-After`; the handler's call context has the caller's deadline, and a signal that aborts when time is up or the client
 * leaves. A place in a bulkhead is held until the handler has ended and its answer has been read.
 * Not promised: that the client's leaving is noticed. The server under Hono has to abort the signal of the request.
 */
import type { Context, MiddlewareHandler } from 'hono'
import type { HTTPResponseError } from 'hono/types'
import { currentContext, withContext } from 'seaworthy/core'
import {
  clientLeft,
  CONTEXT_HEADERS,
  errorAnswer,
  type ErrorAnswer,
  FailedAnswerError,
  IncomingCall,
  isFailedStatus,
  PROBLEM_TYPE,
} from 'seaworthy/http'
import type { Guard } from 'seaworthy/resilience'
import { admit, type GuardedOptions } from './admission.ts'
import { answerOf } from './node-exchange.ts'

export type { GuardedOptions }

/** Middleware that lets requests in through a guard. */
export function guarded(guard: Guard, options: GuardedOptions<Context> = {}): MiddlewareHandler {
  return (context, next) =>
    new Promise<Response | void>((resolve, reject) => {
      const incoming = new IncomingCall((name) => context.req.header(name))
      const { correlationId, signal } = incoming.context
      const { signal: client } = context.req.raw
      const onLeft = () => incoming.abort(clientLeft())
      client.addEventListener('abort', onLeft, { once: true })
      if (client.aborted) onLeft()
      const admitted = admit(guard, {
        incoming,
        actor: options.actorOf?.(context),
        handle: async (call) => {
          await withContext(call, next).catch((error: unknown) => {
            reject(error)
            throw error
          })
          const { status } = context.res
          const read = readToItsEnd(context, signal!)
          context.header(CONTEXT_HEADERS.correlationId, correlationId)
          resolve()
          await read
          signal!.throwIfAborted()
          if (isFailedStatus(status)) {
            throw new FailedAnswerError(
              `The handler of ${context.req.method}`,
              status,
              (name) => context.res.headers.get(name) ?? undefined,
            )
          }
        },
        refuse: (error) => resolve(responseOf(errorAnswer(error, correlationId), correlationId)),
      })
      void admitted.finally(() => client.removeEventListener('abort', onLeft))
    })
}

/** Error handler: answers the library's errors as Problem Details, and everything else as Hono does by default. */
export function problemDetails(error: Error | HTTPResponseError): Response {
  const { correlationId, signal } = currentContext() ?? {}
  const answer = answerOf(error, correlationId)
  if (answer !== undefined) return responseOf(answer, correlationId)
  if ('getResponse' in error) return error.getResponse()
  // A handler that was told to stop has stopped: that is no defect, and nobody reads the answer.
  if (signal?.aborted !== true) console.error(error)
  return new Response('Internal Server Error', { status: 500 })
}

function responseOf({ status, headers, problem }: ErrorAnswer, correlationId: string | undefined): Response {
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      ...headers,
      'content-type': PROBLEM_TYPE,
      ...(correlationId !== undefined && { [CONTEXT_HEADERS.correlationId]: correlationId }),
    },
  })
}

/** Settles when the body has been read, or nobody will: it is handed through chunk by chunk as it is asked for. */
function readToItsEnd(context: Context, signal: AbortSignal): Promise<void> {
  const { body } = context.res
  // Nobody reads the body of an answer to HEAD.
  if (body === null || context.req.method === 'HEAD') return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (signal.aborted) resolve()
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>
  const watched = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) {
            controller.enqueue(value)
            return
          }
          controller.close()
          resolve()
        } catch (error) {
          controller.error(error)
          resolve()
        }
      },
      cancel(reason) {
        resolve()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  context.res = new Response(watched, context.res)
  return promise
}
