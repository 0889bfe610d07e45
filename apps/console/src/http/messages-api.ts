import type { RequeueParameters } from '@seaworthy/supervisor/management'
import type { FastifyInstance } from 'fastify'
import { InvalidInputError, type InvalidField } from 'seaworthy/core'
import type { Messages } from '../system/messages.ts'
import type { MessagesState } from './answers.ts'
import { sendAnswer } from './supervised-answer.ts'

const BODY_BYTES_MAX = 64 * 1024
const IDS_MAX = 200
const TEXT_LENGTH_MAX = 1_000

/** What the processes say of their messages, and the requeue of their dead letters. */
export function registerMessagesApi(app: FastifyInstance, messages: Messages): void {
  app.get('/api/messages', async (_request, reply) => {
    const answer: MessagesState = { services: await messages.all() }
    return reply.header('cache-control', 'no-store').send(answer)
  })

  app.get<{ Querystring: Record<string, unknown> }>('/api/dead-letter', async (request, reply) => {
    const { service, id } = texts(request.query, ['service', 'id'])
    return sendAnswer(reply, () => messages.deadLetter(service!, id!))
  })

  // A page of another site cannot send this: its Origin is refused before, and a form cannot send JSON.
  app.post('/api/dead-letters/requeue', { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    const body = typeof request.body === 'object' && request.body !== null ? (request.body as Record<string, unknown>) : {}
    const { service } = texts(body, ['service'])
    const parameters = requeueParameters(body)
    return sendAnswer(reply, () => messages.requeue(service!, parameters))
  })
}

/** @throws InvalidInputError naming each that is missing */
function texts(from: Record<string, unknown>, names: readonly string[]): Record<string, string> {
  const invalid: InvalidField[] = []
  const found: Record<string, string> = {}
  for (const name of names) {
    const value = from[name]
    if (typeof value === 'string' && value !== '' && value.length <= TEXT_LENGTH_MAX) found[name] = value
    else invalid.push({ field: name, message: `must be a text of at most ${TEXT_LENGTH_MAX} characters` })
  }
  if (invalid.length > 0)
    throw new InvalidInputError(
      `The request does not hold: ${invalid.map(({ field, message }) => `${field} ${message}`).join('; ')}.`,
      invalid,
    )
  return found
}

function requeueParameters(body: Record<string, unknown>): RequeueParameters {
  const { ids } = body
  if (ids === undefined) {
    const { source, topic, key } = texts(body, ['source', 'topic', 'key'])
    return { source: source!, topic: topic!, key: key! }
  }
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > IDS_MAX || ids.some((id) => typeof id !== 'string'))
    throw new InvalidInputError(`ids must be 1 to ${IDS_MAX} ids of messages.`, [
      { field: 'ids', message: `must be 1 to ${IDS_MAX} texts` },
    ])
  return { source: texts(body, ['source'])['source']!, ids: ids as string[] }
}
