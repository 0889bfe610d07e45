/**
 * The way in of a fastify application: `app.register(guarded(guard))`, and `app.setErrorHandler(problemDetails)`.
 *
 * The problem: a server that takes every request answers all of them too late.
 * The guarantee: a request that the guard turns away is answered before its body is read, with Problem Details and
 * `Retry-After`; the handler's call context has the caller's deadline, and a signal that aborts when time is up or the client leaves.
 * Not promised: a handler that ignores the signal goes on. Its place in a bulkhead is held until the answer is over, no longer.
 */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { currentContext, withContext } from 'seaworthy/core'
import { errorAnswer, PROBLEM_TYPE } from 'seaworthy/http'
import type { Guard } from 'seaworthy/resilience'
import { admit, type GuardedOptions } from './admission.ts'
import { answerOf, NodeExchange } from './node-exchange.ts'

export type { GuardedOptions }

/** A plugin that lets requests in through a guard: those of the instance that it is registered on, and of all within it. */
export function guarded(guard: Guard, options: GuardedOptions<FastifyRequest> = {}): FastifyPluginCallback {
  const plugin: FastifyPluginCallback = (app, _options, done) => {
    app.addHook('onRequest', (request, reply, next) => {
      const exchange = new NodeExchange(request.raw, reply.raw)
      let begun = false
      void admit(guard, {
        incoming: exchange.incoming,
        actor: options.actorOf?.(request),
        handle: (call) => {
          begun = true
          withContext(call, next)
          return exchange.over
        },
        refuse: (error) => {
          if (begun) {
            // The handler goes on, and fastify would wait for it.
            if (!reply.sent) reply.hijack()
            exchange.refuse(error)
            return
          }
          const { status, headers, problem } = errorAnswer(error, exchange.incoming.context.correlationId)
          void reply.code(status).headers(headers).type(PROBLEM_TYPE).send(JSON.stringify(problem))
        },
      })
    })
    done()
  }
  // As fastify-plugin does it: the hooks belong to the instance itself, not to a scope of the plugin.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: '@seaworthy/integrations' })
}

/** Error handler: answers what a handler throws of the library's errors as Problem Details, and leaves everything else to fastify. */
export function problemDetails(error: unknown, _request: FastifyRequest, reply: FastifyReply): void {
  const answer = answerOf(error, currentContext()?.correlationId)
  if (answer === undefined) void reply.send(error)
  else void reply.code(answer.status).headers(answer.headers).type(PROBLEM_TYPE).send(JSON.stringify(answer.problem))
}
