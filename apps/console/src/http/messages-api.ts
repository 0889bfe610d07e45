import type { RequeueParameters } from '@seaworthy/supervisor/management'
import type { FastifyInstance } from 'fastify'
import { InvalidInputError } from 'seaworthy/core'
import type { Messages } from '../system/messages.ts'
import type { MessagesState } from './answers.ts'
import { requiredTexts } from './required-texts.ts'
import { sendAnswer } from './supervised-answer.ts'

const BODY_BYTES_MAX = 64 * 1024
const IDS_MAX = 200

/** What the processes say of their messages, and the requeue of their dead letters. */
export function registerMessagesApi(app: FastifyInstance, messages: Messages): void {
  app.get('/api/messages', async (_request, reply) => {
    const answer: MessagesState = { services: await messages.all() }
    return reply.header('cache-control', 'no-store').send(answer)
  })

  app.get<{ Querystring: Record<string, unknown> }>('/api/dead-letter', async (request, reply) => {
    const { service, id } = requiredTexts(request.query, ['service', 'id'])
    return sendAnswer(reply, () => messages.deadLetter(service, id))
  })

  // A page of another site cannot send this: its Origin is refused before, and a form cannot send JSON.
  app.post('/api/dead-letters/requeue', { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    const body = typeof request.body === 'object' && request.body !== null ? (request.body as Record<string, unknown>) : {}
    const { service } = requiredTexts(body, ['service'])
    const parameters = requeueParameters(body)
    return sendAnswer(reply, () => messages.requeue(service, parameters))
  })
}

function requeueParameters(body: Record<string, unknown>): RequeueParameters {
  const { ids } = body
  if (ids === undefined) {
    return requiredTexts(body, ['source', 'topic', 'key'])
  }
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > IDS_MAX || ids.some((id) => typeof id !== 'string'))
    throw new InvalidInputError(`ids must be 1 to ${IDS_MAX} ids of messages.`, [
      { field: 'ids', message: `must be 1 to ${IDS_MAX} texts` },
    ])
  return { source: requiredTexts(body, ['source']).source, ids: ids as string[] }
}
