import type { FastifyInstance } from 'fastify'
import { InvalidInputError, type InvalidField } from 'seaworthy/core'
import type { IngestQueue } from '../ingest-queue.ts'
import type { LogRow } from '../logs/log-row.ts'
import type { LogStore } from '../logs/log-store.ts'
import type { TraceCursor, TraceFilter } from '../store/trace-list.ts'
import type { TraceStore } from '../store/trace-store.ts'
import type { LatencyWindow } from '../system/latency-window.ts'
import { serviceViews } from '../system/overview.ts'
import type { RunFileReader } from '../system/run-file.ts'
import type { SystemState, TracePage } from './answers.ts'

export interface ApiParts {
  readonly store: TraceStore
  readonly queue: IngestQueue
  readonly logs: LogStore
  readonly logQueue: IngestQueue<LogRow>
  readonly runFile: RunFileReader
  readonly figures: LatencyWindow
}

const LIMIT_DEFAULT = 50
const LIMIT_MAX = 500

/** What the page and other programs read. */
export function registerApi(app: FastifyInstance, { store, queue, logs, logQueue, runFile, figures }: ApiParts): void {
  app.get('/api/services', async (_request, reply) => {
    await runFile.refresh()
    const { system, startedAt } = runFile.state
    const answer: SystemState = {
      system,
      startedAt,
      services: serviceViews(runFile.state, figures),
      ingest: { ...queue.status, ...store.counts, trimmed: store.trimmed },
      logs: { ...logQueue.status, records: logs.records, trimmed: logs.trimmed },
    }
    return reply.header('cache-control', 'no-store').send(answer)
  })

  app.get('/api/choreography', async (_request, reply) => {
    await runFile.refresh()
    return reply.header('cache-control', 'no-store').send(runFile.state.choreography)
  })

  app.get<{ Querystring: Record<string, unknown> }>('/api/traces', async (request, reply) => {
    const filter = traceFilter(request.query)
    const traces = await store.list(filter)
    const answer: TracePage = {
      traces: traces.map(({ startUs: _startUs, ...trace }) => trace),
      ...(traces.length === filter.limit && { nextBefore: cursorText(traces.at(-1)!) }),
    }
    return reply.header('cache-control', 'no-store').send(answer)
  })
}

const cursorText = ({ startUs, traceId }: TraceCursor): string => `${startUs}-${traceId}`

function parseCursor(text: string): TraceCursor | undefined {
  const groups = /^(?<startUs>\d{1,16})-(?<traceId>[0-9a-f]{32})$/.exec(text)?.groups
  return groups === undefined ? undefined : { startUs: Number(groups['startUs']), traceId: groups['traceId']! }
}

/** @throws InvalidInputError naming each parameter that does not hold */
function traceFilter(query: Record<string, unknown>): TraceFilter {
  const invalid: InvalidField[] = []
  const text = (name: string): string | undefined => {
    const value = query[name]
    if (value === undefined || value === '') return undefined
    if (typeof value === 'string' && value.length <= 250) return value
    invalid.push({ field: name, message: 'must be given once, with at most 250 characters' })
    return undefined
  }
  const number = (name: string, max: number): number | undefined => {
    const value = text(name)
    if (value === undefined) return undefined
    const parsed = Number(value)
    if (parsed >= 0 && parsed <= max) return parsed
    invalid.push({ field: name, message: `must be a number from 0 to ${max}` })
    return undefined
  }
  const choice = <T extends string>(name: string, choices: readonly T[]): T | undefined => {
    const value = text(name)
    const chosen = choices.find((each) => each === value)
    if (value !== undefined && chosen === undefined) invalid.push({ field: name, message: `must be one of ${choices.join(', ')}` })
    return chosen
  }
  const [caller, callee] = [text('caller'), text('callee')]
  if ((caller === undefined) !== (callee === undefined)) invalid.push({ field: 'callee', message: 'and caller go together' })
  const before = text('before')
  const cursor = before === undefined ? undefined : parseCursor(before)
  if (before !== undefined && cursor === undefined) invalid.push({ field: 'before', message: 'must be a nextBefore of an earlier answer' })
  const filter: TraceFilter = {
    limit: Math.max(1, Math.floor(number('limit', LIMIT_MAX) ?? LIMIT_DEFAULT)),
    correlationId: text('correlationId'),
    service: text('service'),
    minDurationMs: number('minDurationMs', 86_400_000),
    outcome: choice('outcome', ['ok', 'rejected', 'failed']),
    hidesBackground: choice('background', ['show', 'hide']) === 'hide',
    text: text('q'),
    call: caller === undefined || callee === undefined ? undefined : { caller, callee },
    after: cursor,
  }
  if (invalid.length > 0) {
    throw new InvalidInputError(
      `The query does not hold: ${invalid.map(({ field, message }) => `${field} ${message}`).join('; ')}.`,
      invalid,
    )
  }
  return filter
}
