import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { IngestQueue } from '../ingest-queue.ts'
import { type CheckedRequest, checkRequest, hasMoreSpansThan } from '../otlp/check.ts'
import { countSpans, decodeTraceRequest, encodeTraceResponse } from '../otlp/decode-protobuf.ts'
import { ProtobufError } from '../otlp/protobuf-reader.ts'
import { spanRows } from '../otlp/rows.ts'
import { sendProblem } from './problem.ts'

/** Bytes of a request, as sent and unpacked. */
export const BODY_BYTES_MAX = 8 << 20
/** Spans of a request: what one takes of the event loop, however few bytes they are. OpenTelemetry's SDKs send 512 at once. */
const SPANS_MAX = 20_000
/** Requests that are being read and decoded at the same time: with the limit above, what a flood can take of memory. */
const REQUESTS_MAX = 16
const RETRY_AFTER_SECONDS = '1'

const unpack = promisify(gunzip)

type Encoding = 'json' | 'protobuf'

/** `POST /v1/traces`: OTLP over HTTP, JSON or protobuf, plain or gzip. */
export function registerIngest(app: FastifyInstance, queue: IngestQueue): void {
  let inProgress = 0
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // Any body as bytes: what cannot be read is answered in the words of OTLP below, not of a parser.
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) => done(null, body))
    scope.post('/v1/traces', {
      bodyLimit: BODY_BYTES_MAX,
      onRequest: async (_request, reply) => {
        if (inProgress >= REQUESTS_MAX)
          return sendProblem(reply.header('retry-after', RETRY_AFTER_SECONDS), 503, 'Too many requests at once. Send again later.')
        inProgress++
        reply.raw.once('close', () => inProgress--)
        return undefined
      },
      handler: async (request, reply) => {
        const encoding = encodingOf(request.headers['content-type'])
        if (encoding === undefined) {
          return sendProblem(reply, 415, 'Send OTLP as application/json or application/x-protobuf.')
        }
        const content = await unpacked(request.body, request.headers['content-encoding'])
        if ('status' in content) return sendProblem(reply, content.status, content.why)
        try {
          const request = decode(content.body, encoding)
          if (request === 'too-many') return await sendProblem(reply, 413, `More than ${SPANS_MAX} spans at once. Send smaller batches.`)
          const checked = checkRequest(request.value)
          const rows = spanRows(checked)
          if (rows.length > 0 && !queue.offer(rows)) {
            return await sendProblem(
              reply.header('retry-after', RETRY_AFTER_SECONDS),
              503,
              'The console stores as fast as it can. Send again later.',
            )
          }
          return await answer(reply, encoding, checked)
        } catch (error) {
          if (error instanceof SyntaxError || error instanceof TypeError || error instanceof ProtobufError || error instanceof RangeError) {
            return sendProblem(reply, 400, `The body is no OTLP trace request: ${error.message}`)
          }
          throw error
        }
      },
    })
  })
}

/** The request as an object, unless it holds too many spans to be looked at. */
function decode(body: Buffer, encoding: Encoding): { readonly value: unknown } | 'too-many' {
  if (encoding === 'protobuf') return countSpans(body) > SPANS_MAX ? 'too-many' : { value: decodeTraceRequest(body) }
  const value: unknown = JSON.parse(body.toString('utf8'))
  return hasMoreSpansThan(SPANS_MAX, value) ? 'too-many' : { value }
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
