import { Readable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isOnThisMachine } from '../access.ts'
import { type OutlineColumns, OutlineWriter } from '../otlp/outline.ts'
import type { TraceStore } from '../store/trace-store.ts'
import { verdictAnswer, verdictOf } from '../verdict/trace-verdict.ts'
import type { OtlpTrace } from '../otlp/read-trace.ts'
import { sendProblem } from './problem.ts'
import { credentials } from './protection.ts'

type OfTrace = { Params: { traceId: string } }
type OfSpan = { Params: { traceId: string; spanId: string } }

const JSON_TYPE = 'application/json; charset=utf-8'

/** A trace: all of it, its outline, one span of it, and why it was slow. */
export function registerTraceApi(app: FastifyInstance, store: TraceStore): void {
  app.get<OfTrace>('/api/traces/:traceId', async (request, reply) => {
    const traceId = traceIdOf(request)
    const trace = traceId === undefined ? undefined : await store.trace(traceId)
    if (trace === undefined) return sendNoTrace(request, reply)
    return reply.header('cache-control', 'no-store').type(JSON_TYPE).send(trace)
  })

  // One OutlinePart a line. The same version asked for again is not sent again: a page that was away asks after every trace that it shows.
  app.get<OfTrace>('/api/traces/:traceId/outline', async (request, reply) => {
    const traceId = traceIdOf(request)
    const version = traceId === undefined ? undefined : await store.version(traceId)
    if (traceId === undefined || version === undefined) return sendNoTrace(request, reply)
    reply.header('cache-control', 'no-store').header('etag', `"${version}"`)
    if (request.headers['if-none-match'] === `"${version}"`) return reply.code(304).send()
    const lines = Readable.from(outlineLines(store.outline(traceId)), { objectMode: false })
    return sendLines(request, reply, lines)
  })

  app.get<OfSpan>('/api/traces/:traceId/spans/:spanId', async (request, reply) => {
    const traceId = traceIdOf(request)
    const span = traceId === undefined ? undefined : await store.span(traceId, request.params.spanId.toLowerCase())
    if (span === undefined) return sendProblem(reply, 404, `There is no span ${request.params.spanId} in trace ${request.params.traceId}.`)
    return reply.header('cache-control', 'no-store').type(JSON_TYPE).send(span)
  })

  app.get<OfTrace>('/api/traces/:traceId/verdict', async (request, reply) => {
    const traceId = traceIdOf(request)
    const trace = traceId === undefined ? undefined : await store.trace(traceId)
    const verdict = trace === undefined ? undefined : verdictOf(JSON.parse(trace) as OtlpTrace)
    if (traceId === undefined || verdict === undefined) return sendNoTrace(request, reply)
    return reply.header('cache-control', 'no-store').send(verdictAnswer(traceId, verdict))
  })
}

/** In lower case; undefined for what is no trace id. */
function traceIdOf({ params: { traceId } }: FastifyRequest<OfTrace>): string | undefined {
  return /^[0-9a-f]{32}$/i.test(traceId) ? traceId.toLowerCase() : undefined
}

function sendNoTrace(request: FastifyRequest<OfTrace>, reply: FastifyReply): FastifyReply {
  const traceId = traceIdOf(request)
  if (traceId === undefined) return sendProblem(reply, 404, 'A trace id has 32 hexadecimal digits.')
  return sendProblem(
    reply,
    404,
    `There is no trace ${traceId}. Its spans have not arrived yet, or it was deleted to keep within the limits.`,
  )
}

async function* outlineLines(columns: AsyncIterable<OutlineColumns>): AsyncGenerator<string, void, undefined> {
  const writer = new OutlineWriter()
  for await (const some of columns) yield `${writer.part(some)}\n`
}

const ACCEPTS_GZIP = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/i

/** Gzipped for whoever is on another machine: on this one packing takes longer than sending. */
function sendLines(request: FastifyRequest, reply: FastifyReply, lines: Readable): FastifyReply {
  reply.type('application/x-ndjson; charset=utf-8').header('vary', 'accept-encoding')
  if (isOnThisMachine(credentials(request)) || !ACCEPTS_GZIP.test(request.headers['accept-encoding'] ?? '')) return reply.send(lines)
  const gzip = createGzip({ level: constants.Z_BEST_SPEED })
  lines.on('error', (error) => gzip.destroy(error))
  return reply.header('content-encoding', 'gzip').send(lines.pipe(gzip))
}
