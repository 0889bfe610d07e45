import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Format, readTraceFile } from '../import/formats.ts'
import type { IngestQueue } from '../ingest-queue.ts'
import type { Admission } from '../intake/admission.ts'
import { orMalformed } from '../intake/malformed.ts'
import { BODY_BYTES_MAX, RETRY_AFTER_SECONDS, type Refusal, type Sent, type Signal, TOO_LARGE, type Taken } from '../intake/signal.ts'
import { SPANS_MAX, TOO_MANY, storeTraces } from '../intake/traces.ts'
import type { CheckedRequest } from '../otlp/check.ts'
import { encodeExportResponse } from '../otlp/decode-protobuf.ts'
import type { ImportAnswer } from './answers.ts'
import { sendProblem } from './problem.ts'

export interface IngestParts {
  readonly queue: IngestQueue
  readonly signals: readonly Signal[]
  readonly admission: Admission
}

/** Ids that the answer to an import names. */
const TRACE_IDS_MAX = 100

const STATUS: Readonly<Record<Refusal['kind'], number>> = { malformed: 400, 'too-large': 413, busy: 503 }

const unpack = promisify(gunzip)

/**
 * `POST /v1/traces` and its like: OTLP over HTTP, JSON or protobuf, plain or gzip. `POST /api/v2/spans`: Zipkin's JSON, as its libraries send it. `POST /api/import`: a
 * file of traces in any format that the console reads.
 */
export function registerIngest(app: FastifyInstance, { queue, signals, admission }: IngestParts): void {
  const admit = async (_request: FastifyRequest, reply: FastifyReply) => {
    const leave = admission.enter()
    if (typeof leave !== 'function') return sendRefusal(reply, leave)
    reply.raw.once('close', leave)
    return undefined
  }
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // Any body as bytes: what cannot be read is answered in the words of OTLP below, not of a parser.
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) => done(null, body))
    const options = { bodyLimit: BODY_BYTES_MAX, onRequest: admit }

    for (const signal of signals) {
      scope.post(signal.httpPath, options, async (request, reply) => {
        const encoding = encodingOf(request.headers['content-type'])
        if (encoding === undefined) return sendProblem(reply, 415, 'Send OTLP as application/json or application/x-protobuf.')
        const content = await unpacked(request.body, request.headers['content-encoding'])
        if (!('body' in content)) return sendProblem(reply, content.status, content.why)
        const taken = signal.take({ encoding, body: content.body })
        return taken.kind === 'taken' ? sendTaken(reply, encoding, signal, taken) : sendRefusal(reply, taken)
      })
    }

    // Said, not left to be guessed from a 404: an exporter then drops them instead of sending them for ever.
    scope.post('/v1/metrics', options, (_request, reply) =>
      sendProblem(reply, 501, 'The console keeps no metrics: have Prometheus scrape /metrics of each process, or a Collector route them.'),
    )

    const files = { '/api/v2/spans': 'zipkin', '/api/import': undefined } as const
    for (const [path, expected] of Object.entries(files)) {
      scope.post(path, options, async (request, reply) => {
        const content = await unpacked(request.body, request.headers['content-encoding'])
        if (!('body' in content)) return sendProblem(reply, content.status, content.why)
        const stored = orMalformed('The body is no JSON', () => {
          const file: unknown = JSON.parse(content.body.toString('utf8'))
          // Zipkin's: counted before they are taken apart. Of the other formats that is done where their lists are known.
          if (Array.isArray(file) && file.flat().length > SPANS_MAX) return TOO_MANY
          const { format, request: traces } = readTraceFile(file)
          if (expected !== undefined && format !== expected)
            return { kind: 'malformed', why: 'The body is no list of spans in Zipkin’s format (version 2).' }
          const checked = storeTraces(traces, queue)
          return 'kind' in checked ? checked : { format, checked }
        })
        if ('kind' in stored) return sendRefusal(reply, stored)
        // Whoever imports a file looks at it next.
        if (expected === undefined) await queue.drain()
        return reply.code(202).send(importAnswer(stored.format, stored.checked))
      })
    }
  })
}

function importAnswer(format: Format, { resourceSpans, spanCount, rejected }: CheckedRequest): ImportAnswer {
  const ids = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(({ traceId }) => traceId)))
  return { format, spans: spanCount, rejected, traceIds: [...new Set(ids)].slice(0, TRACE_IDS_MAX) }
}

function sendRefusal(reply: FastifyReply, { kind, why }: Refusal): FastifyReply {
  return sendProblem(kind === 'busy' ? reply.header('retry-after', String(RETRY_AFTER_SECONDS)) : reply, STATUS[kind], why)
}

function encodingOf(contentType: string | undefined): Sent['encoding'] | undefined {
  switch (contentType?.split(';')[0]?.trim().toLowerCase()) {
    case 'application/json':
      return 'json'
    case 'application/x-protobuf':
    case 'application/protobuf':
      return 'protobuf'
    default:
      return undefined
  }
}

type Unpacked = { readonly body: Buffer } | { readonly status: number; readonly why: string }

async function unpacked(body: unknown, encoding: string | undefined): Promise<Unpacked> {
  if (!Buffer.isBuffer(body)) return { status: 400, why: 'The request has no body.' }
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return { body }
    case 'gzip':
      try {
        return { body: await unpack(body, { maxOutputLength: BODY_BYTES_MAX }) }
      } catch (error) {
        const isTooLarge = error instanceof RangeError
        return isTooLarge
          ? { status: STATUS[TOO_LARGE.kind], why: TOO_LARGE.why }
          : { status: 400, why: 'The body says that it is gzip, and is not.' }
      }
    default:
      return { status: 415, why: `Content-Encoding ${encoding} is not understood. Use gzip or none.` }
  }
}

function sendTaken(reply: FastifyReply, encoding: Sent['encoding'], signal: Signal, { rejected, why }: Taken): FastifyReply {
  if (encoding === 'protobuf') return reply.type('application/x-protobuf').send(encodeExportResponse(rejected, why))
  return reply.send({ partialSuccess: rejected === 0 ? {} : { [signal.rejectedName]: rejected, errorMessage: why } })
}
