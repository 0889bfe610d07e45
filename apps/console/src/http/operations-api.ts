import type { FastifyInstance } from 'fastify'
import { InvalidInputError } from 'seaworthy/core'
import type { TraceStore } from '../store/trace-store.ts'
import { Operations } from '../verdict/operations.ts'

const NAME_LENGTH_MAX = 1_000

/** Why operations are slow: their slow traces against the usual ones. */
export function registerOperationsApi(app: FastifyInstance, store: TraceStore): void {
  const operations = new Operations(store)

  app.get('/api/operations', async (_request, reply) => reply.header('cache-control', 'no-store').send(await operations.list()))

  app.get<{ Querystring: Record<string, unknown> }>('/api/operation', async (request, reply) => {
    const { service, name } = request.query
    if (typeof service !== 'string' || typeof name !== 'string' || service.length + name.length > NAME_LENGTH_MAX) {
      throw new InvalidInputError(
        'Say which operation: /api/operation?service=gateway&name=POST+/api/checkout, as /api/operations lists it.',
        [{ field: typeof service === 'string' ? 'name' : 'service', message: 'must be given once' }],
      )
    }
    return reply.header('cache-control', 'no-store').send(await operations.compare({ service, name }))
  })
}
