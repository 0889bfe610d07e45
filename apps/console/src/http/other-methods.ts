import type { FastifyInstance } from 'fastify'
import { sendProblem } from './problem.ts'

/**
 * Answers every other method of a path that is served with 405 and what it allows (RFC 9110, section 15.5.6), before a body is read.
 * Call it before the first route: it hears of routes as they are added. @returns a function that adds the answers, to be called after the last
 */
export function otherMethods(app: FastifyInstance): () => void {
  const served = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = served.get(url) ?? new Set()
    served.set(url, methods)
    for (const each of [method].flat()) methods.add(each)
  })
  return () => {
    for (const [url, methods] of served) {
      const allow = [...methods].toSorted().join(', ')
      app.route({
        url,
        method: app.supportedMethods.filter((method) => !methods.has(method)),
        onRequest: async (request, reply) =>
          sendProblem(
            reply.header('allow', allow),
            405,
            `${request.url.split('?')[0]} does not take ${request.method}. It takes ${allow}.`,
          ),
        handler: () => undefined,
      })
    }
  }
}
