import type { FastifyInstance } from 'fastify'
import { InvalidInputError, type InvalidField } from 'seaworthy/core'
import type { LogFilter, LogStore, StoredLog } from '../logs/log-store.ts'
import type { LogsPage, ShownLog } from './answers.ts'

const LIMIT_DEFAULT = 100
const LIMIT_MAX = 500
const TEXT_LENGTH_MAX = 250
/** Levels by their least severity number. */
const LEVELS: Readonly<Record<string, number>> = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 }

/** Log records of all services, the last to arrive first. */
export function registerLogsApi(app: FastifyInstance, logs: Pick<LogStore, 'list'>): void {
  app.get<{ Querystring: Record<string, unknown> }>('/api/logs', async (request, reply) => {
    const filter = logFilter(request.query)
    const found = await logs.list(filter)
    const answer: LogsPage = {
      logs: found.map(shownLog),
      ...(found.length === filter.limit && { nextBefore: String(found.at(-1)!.id) }),
    }
    return reply.header('cache-control', 'no-store').send(answer)
  })
}

function shownLog({ timeUs, body, severity, ...log }: StoredLog): ShownLog {
  return { ...log, time: new Date(timeUs / 1_000).toISOString(), level: levelOf(severity), fields: fieldsOf(body) }
}

function levelOf(severity: number): ShownLog['level'] {
  const level = Object.entries(LEVELS).findLast(([, least]) => severity >= least)
  return (level?.[0] ?? 'unknown') as ShownLog['level']
}

/** What was too long to be kept whole is no JSON any more. */
function fieldsOf(body: string): ShownLog['fields'] {
  try {
    return JSON.parse(body) as ShownLog['fields']
  } catch {
    return { cut: body }
  }
}

/** @throws InvalidInputError naming each parameter that does not hold */
function logFilter(query: Record<string, unknown>): LogFilter {
  const invalid: InvalidField[] = []
  const text = (
    name: string,
    holds: (value: string) => boolean = () => true,
    message = `must be given once, with at most ${TEXT_LENGTH_MAX} characters`,
  ) => {
    const value = query[name]
    if (value === undefined || value === '') return undefined
    if (typeof value === 'string' && value.length <= TEXT_LENGTH_MAX && holds(value)) return value
    invalid.push({ field: name, message })
    return undefined
  }
  const level = text('level', (value) => Object.hasOwn(LEVELS, value), `must be one of ${Object.keys(LEVELS).join(', ')}`)
  const before = text('before', (value) => /^\d{1,15}$/.test(value), 'must be a nextBefore of an earlier answer')
  const limit = text('limit', (value) => Number(value) >= 1 && Number(value) <= LIMIT_MAX, `must be a number from 1 to ${LIMIT_MAX}`)
  const filter: LogFilter = {
    limit: Math.floor(Number(limit ?? LIMIT_DEFAULT)),
    service: text('service'),
    severityMin: level === undefined ? undefined : LEVELS[level],
    traceId: text('traceId')?.toLowerCase(),
    spanId: text('spanId')?.toLowerCase(),
    correlationId: text('correlationId'),
    text: text('q'),
    before: before === undefined ? undefined : Number(before),
  }
  if (invalid.length === 0) return filter
  throw new InvalidInputError(`The query does not hold: ${invalid.map(({ field, message }) => `${field} ${message}`).join('; ')}.`, invalid)
}
