import type { FastifyInstance } from 'fastify'
import { InvalidInputError } from 'seaworthy/core'
import type { OtlpTrace } from '../otlp/read-trace.ts'
import type { TraceStore } from '../store/trace-store.ts'
import { Operations } from '../verdict/operations.ts'
import { verdictAnswer, verdictOf } from '../verdict/trace-verdict.ts'
import { sendProblem } from './problem.ts'

const NAME_LENGTH_MAX = 1_000

/** Why traces are slow: one by one, and those of an operation against each other. */
export function registerVerdictApi(app: FastifyInstance, store: TraceStore): void {
  const operations = new Operations(store)

  app.get<{ Params: { traceId: string } }>('/api/traces/:traceId/verdict', async (request, reply) => {
    const traceId = request.params.traceId.toLowerCase()
    const trace = /^[0-9a-f]{32}$/.test(traceId) ? await store.trace(traceId) : undefined
    const verdict = trace === undefined ? undefined : verdictOf(JSON.parse(trace) as OtlpTrace)
    if (verdict === undefined) {
      return sendProblem(reply, 404, `There is no trace ${traceId}. A trace id has 32 hexadecimal digits; spans arrive within a second.`)
    }
    return reply.header('cache-control', 'no-store').send(verdictAnswer(traceId, verdict))
  })

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
