import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readTraceFile } from '../import/formats.ts'
import type { IngestQueue } from '../ingest-queue.ts'
import { type CheckedRequest, checkRequest, hasMoreSpansThan } from '../otlp/check.ts'
import { countSpans, decodeTraceRequest, encodeTraceResponse } from '../otlp/decode-protobuf.ts'
import { ProtobufError } from '../otlp/protobuf-reader.ts'
import { spanRows } from '../otlp/rows.ts'
import type { ImportAnswer } from './answers.ts'
import { sendProblem } from './problem.ts'

/** Bytes of a request, as sent and unpacked. */
export const BODY_BYTES_MAX = 8 << 20
/** Spans of a request: what one takes of the event loop, however few bytes they are. OpenTelemetry's SDKs send 512 at once. */
const SPANS_MAX = 20_000
/** Requests that are being read and decoded at the same time: with the limit above, what a flood can take of memory. */
const REQUESTS_MAX = 16
const RETRY_AFTER_SECONDS = '1'

/** Ids that the answer to an import names. */
const TRACE_IDS_MAX = 100

/** Why nothing of a request was taken. */
interface Refusal {
  readonly status: number
  readonly why: string
}

const TOO_MANY: Refusal = { status: 413, why: `More than ${SPANS_MAX} spans at once. Send smaller batches.` }
const BUSY: Refusal = { status: 503, why: 'The console stores as fast as it can. Send again later.' }

const unpack = promisify(gunzip)

type Encoding = 'json' | 'protobuf'

/**
 * `POST /v1/traces`: OTLP over HTTP, JSON or protobuf, plain or gzip. `POST /api/v2/spans`: Zipkin's JSON, as its libraries send it. `POST /api/import`: a file of
 * traces in any format that the console reads.
 */
export function registerIngest(app: FastifyInstance, queue: IngestQueue): void {
  let inProgress = 0
  const admit = async (_request: FastifyRequest, reply: FastifyReply) => {
    if (inProgress >= REQUESTS_MAX)
      return sendProblem(reply.header('retry-after', RETRY_AFTER_SECONDS), 503, 'Too many requests at once. Send again later.')
    inProgress++
    reply.raw.once('close', () => inProgress--)
    return undefined
  }
  const store = (value: unknown): CheckedRequest | Refusal => {
    if (hasMoreSpansThan(SPANS_MAX, value)) return TOO_MANY
    const checked = checkRequest(value)
    const rows = spanRows(checked)
    return rows.length === 0 || queue.offer(rows) ? checked : BUSY
  }
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // Any body as bytes: what cannot be read is answered in the words of OTLP below, not of a parser.
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) => done(null, body))
    const options = { bodyLimit: BODY_BYTES_MAX, onRequest: admit }

    scope.post('/v1/traces', options, async (request, reply) => {
      const encoding = encodingOf(request.headers['content-type'])
      if (encoding === undefined) return sendProblem(reply, 415, 'Send OTLP as application/json or application/x-protobuf.')
      const content = await unpacked(request.body, request.headers['content-encoding'])
      if ('status' in content) return sendProblem(reply, content.status, content.why)
      return orWhyNot(reply, 'The body is no OTLP trace request', () => {
        // Counted before they are taken apart.
        if (encoding === 'protobuf' && countSpans(content.body) > SPANS_MAX) return sendRefusal(reply, TOO_MANY)
        const stored = store(encoding === 'protobuf' ? decodeTraceRequest(content.body) : JSON.parse(content.body.toString('utf8')))
        return 'status' in stored ? sendRefusal(reply, stored) : answer(reply, encoding, stored)
      })
    })

    const files = { '/api/v2/spans': 'zipkin', '/api/import': undefined } as const
    for (const [path, expected] of Object.entries(files)) {
      scope.post(path, options, async (request, reply) => {
        const content = await unpacked(request.body, request.headers['content-encoding'])
        if ('status' in content) return sendProblem(reply, content.status, content.why)
        return orWhyNot(reply, 'The body is no JSON', async () => {
          const given: unknown = JSON.parse(content.body.toString('utf8'))
          const { format, request: traces } = readTraceFile(given)
          if (expected !== undefined && format !== expected)
            return sendProblem(reply, 400, 'The body is no list of spans in Zipkin’s format (version 2).')
          const stored = store(traces)
          if ('status' in stored) return sendRefusal(reply, stored)
          // Whoever imports a file looks at it next.
          if (expected === undefined) await queue.drain()
          const traceIds = [
            ...new Set(
              stored.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(({ traceId }) => traceId))),
            ),
          ]
          const imported: ImportAnswer = {
            format,
            spans: stored.spanCount,
            rejected: stored.rejected,
            traceIds: traceIds.slice(0, TRACE_IDS_MAX),
          }
          return reply.code(202).send(imported)
        })
      })
    }
  })
}

/** What somebody sent cannot be read, and they are told why. */
async function orWhyNot(reply: FastifyReply, what: string, read: () => FastifyReply | Promise<FastifyReply>): Promise<FastifyReply> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof ProtobufError || error instanceof RangeError)
      return sendProblem(reply, 400, `${what}: ${error.message}`)
    throw error
  }
}

function sendRefusal(reply: FastifyReply, { status, why }: Refusal): FastifyReply {
  return sendProblem(status === 503 ? reply.header('retry-after', RETRY_AFTER_SECONDS) : reply, status, why)
}

function encodingOf(contentType: string | undefined): Encoding | undefined {
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

type Unpacked = { readonly body: Buffer } | Refusal

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
          ? { status: 413, why: `The body unpacks to more than ${BODY_BYTES_MAX} bytes. Send smaller batches.` }
          : { status: 400, why: 'The body says that it is gzip, and is not.' }
      }
    default:
      return { status: 415, why: `Content-Encoding ${encoding} is not understood. Use gzip or none.` }
  }
}

function answer(reply: FastifyReply, encoding: Encoding, { rejected, why = '' }: CheckedRequest): FastifyReply {
  if (encoding === 'protobuf') return reply.type('application/x-protobuf').send(encodeTraceResponse(rejected, why))
  return reply.send(rejected === 0 ? { partialSuccess: {} } : { partialSuccess: { rejectedSpans: rejected, errorMessage: why } })
}
