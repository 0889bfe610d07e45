import type { Fault } from '@seaworthy/supervisor'
import type { FastifyInstance } from 'fastify'
import { InvalidInputError } from 'seaworthy/core'
import type { Resilience } from '../system/resilience.ts'
import type { ResilienceState } from './answers.ts'
import { sendAnswer } from './supervised-answer.ts'

const BODY_BYTES_MAX = 4_096

/** Policies of the services, and faults. */
export function registerResilienceApi(app: FastifyInstance, resilience: Resilience): void {
  app.get('/api/resilience', async (_request, reply) => {
    const answer: ResilienceState = { services: await resilience.all() }
    return reply.header('cache-control', 'no-store').send(answer)
  })

  // A page of another site cannot send this: its Origin is refused before, and a form cannot send JSON.
  app.post('/api/faults', { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    const { service, fault } = (typeof request.body === 'object' && request.body !== null ? request.body : {}) as Record<string, unknown>
    if (typeof service !== 'string' || typeof fault !== 'object' || fault === null) {
      throw new InvalidInputError('Say which service suffers what: {"service":"payments","fault":{"kind":"latency","ms":2000}}.', [
        { field: typeof service === 'string' ? 'fault' : 'service', message: 'is missing' },
      ])
    }
    return sendAnswer(reply, async () => {
      // The supervisor checks what it is told.
      await resilience.inject(service, fault as Fault)
      return { done: true }
    })
  })
}
