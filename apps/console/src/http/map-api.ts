import type { FastifyInstance, FastifyRequest } from 'fastify'
import { InvalidInputError } from 'seaworthy/core'
import { MINUTES_MAX } from '../map/edge-window.ts'
import type { ServiceMap } from '../map/service-map.ts'
import type { EdgeState, MapState } from './answers.ts'

const MINUTES_DEFAULT = 15

/** Who calls whom, and how the calls of one pair fare. */
export function registerMapApi(app: FastifyInstance, { edges }: Pick<ServiceMap, 'edges'>): void {
  app.get<{ Querystring: Record<string, unknown> }>('/api/map', (request, reply) => {
    const minutes = minutesOf(request)
    const answer: MapState = { minutes, edges: edges.edges(minutes), passedOver: edges.passedOver }
    return reply.header('cache-control', 'no-store').send(answer)
  })

  app.get<{ Querystring: Record<string, unknown> }>('/api/map/edge', (request, reply) => {
    const minutes = minutesOf(request)
    const { caller, callee } = request.query
    if (typeof caller !== 'string' || typeof callee !== 'string') {
      throw new InvalidInputError('Say whose calls to whom: /api/map/edge?caller=service:orders&callee=service:payments.', [
        { field: typeof caller === 'string' ? 'callee' : 'caller', message: 'is missing' },
      ])
    }
    const answer: EdgeState = {
      minutes,
      edge: edges.edges(minutes).find((edge) => edge.caller === caller && edge.callee === callee) ?? null,
      histogram: edges.histogram(caller, callee, minutes),
    }
    return reply.header('cache-control', 'no-store').send(answer)
  })
}

function minutesOf({ query }: FastifyRequest<{ Querystring: Record<string, unknown> }>): number {
  const given = query['minutes'] ?? MINUTES_DEFAULT
  const minutes = Number(given)
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= MINUTES_MAX) return minutes
  throw new InvalidInputError(`The window is a whole number of minutes, up to ${MINUTES_MAX}.`, [
    { field: 'minutes', message: `must be a whole number from 1 to ${MINUTES_MAX}` },
  ])
}
