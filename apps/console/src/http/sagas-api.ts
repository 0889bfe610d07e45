import type { SagaChange } from '@seaworthy/supervisor/management'
import type { FastifyInstance } from 'fastify'
import { InvalidInputError } from 'seaworthy/core'
import type { SagaCursor, SagaState } from 'seaworthy/saga'
import type { SagaFilter, Sagas } from '../system/sagas.ts'
import { requiredTexts } from './required-texts.ts'
import { sendAnswer } from './supervised-answer.ts'

const BODY_BYTES_MAX = 256 * 1024
const STATES: readonly SagaState[] = ['running', 'waiting', 'compensating', 'parked', 'completed', 'compensated']

/** What the services say of their sagas, and what a person decides about one. */
export function registerSagasApi(app: FastifyInstance, sagas: Sagas): void {
  app.get<{ Querystring: Record<string, unknown> }>('/api/sagas', async (request, reply) => {
    const filter = filterOf(request.query)
    return sendAnswer(reply, () => sagas.list(filter))
  })

  app.get<{ Querystring: Record<string, unknown> }>('/api/saga', async (request, reply) => {
    const { service, id } = requiredTexts(request.query, ['service', 'id'])
    return sendAnswer(reply, () => sagas.saga(service, id))
  })

  // A page of another site cannot send this: its Origin is refused before, and a form cannot send JSON.
  app.post('/api/saga/change', { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    const body = typeof request.body === 'object' && request.body !== null ? (request.body as Record<string, unknown>) : {}
    const { service } = requiredTexts(body, ['service'])
    const change = changeOf(body)
    return sendAnswer(reply, () => sagas.change(service, change))
  })
}

function filterOf(query: Record<string, unknown>): SagaFilter {
  const { state, before } = query
  if (state !== undefined && !STATES.some((known) => known === state)) throw invalid('state', `must be one of ${STATES.join(', ')}`)
  return {
    ...(state !== undefined && { state: state as SagaState }),
    ...(query['saga'] !== undefined && { saga: requiredTexts(query, ['saga']).saga }),
    ...(before !== undefined && { before: cursorOf(before) }),
  }
}

/** `STARTED_AT_MS-ID`. */
function cursorOf(text: unknown): SagaCursor {
  const { ms, id } = /^(?<ms>\d{1,16})-(?<id>.{1,1000})$/su.exec(typeof text === 'string' ? text : '')?.groups ?? {}
  if (ms === undefined || id === undefined) throw invalid('before', 'must be the nextBefore of a page')
  return { startedAtMs: Number(ms), id }
}

function changeOf(body: Record<string, unknown>): SagaChange {
  const { id, action, note } = requiredTexts(body, ['id', 'action', 'note'])
  if (action === 'retry' || action === 'abort') return { id, action, note }
  if (action !== 'skip') throw invalid('action', 'must be retry, skip or abort')
  const { step } = requiredTexts(body, ['step'])
  return { id, action, note, step, ...('result' in body && { result: body['result'] }) }
}

function invalid(field: string, message: string): InvalidInputError {
  return new InvalidInputError(`The request does not hold: ${field} ${message}.`, [{ field, message }])
}
