import {
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
  connect,
} from 'node:http2'
import { ANSWER_BYTES_MAX, type Certificates } from '../wire.ts'

/** Of gRPC's status codes (grpc/grpc, doc/statuscodes.md), those that matter here. */
export const GRPC = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const

export interface GrpcRequest {
  /** `/package.Service/Method`. */
  readonly path: string
  /** Metadata. gRPC's own fields come before these. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly message: Uint8Array
  /** Whether the message was compressed by gzip. */
  readonly isGzipped: boolean
  readonly timeoutMs: number
}

export interface GrpcAnswer {
  readonly code: number
  readonly words: string
  /** A `google.rpc.Status` in protobuf, if one came. */
  readonly details: Uint8Array | undefined
  /** Empty where there is none. */
  readonly message: Uint8Array
}

/** What a proxy on the way answers in HTTP's own words (grpc/grpc, doc/http-grpc-status-mapping.md). */
const CODES_OF_HTTP: Readonly<Record<number, number>> = {
  400: GRPC.internal,
  401: GRPC.unauthenticated,
  403: GRPC.permissionDenied,
  404: GRPC.unimplemented,
  429: GRPC.unavailable,
  502: GRPC.unavailable,
  503: GRPC.unavailable,
  504: GRPC.unavailable,
}

/**
 * Unary calls of gRPC over one HTTP/2 connection, which is made at the first call and again after its end, and keeps no process alive between calls. It is what an
 * exporter needs: no load balancing, no streams, no answer that is compressed.
 */
export class GrpcChannel {
  readonly #url: URL
  readonly #certificates: Certificates | undefined
  #session: ClientHttp2Session | undefined

  constructor(url: URL, certificates: Certificates | undefined) {
    this.#url = url
    this.#certificates = certificates
  }

  /** @throws what kept the answer from coming. The connection is not used again then: it may be the one that is broken */
  async call(request: GrpcRequest, signal: AbortSignal): Promise<GrpcAnswer> {
    const session = (this.#session ??= this.#open())
    session.ref()
    try {
      return await answered(session, this.#url, request, signal)
    } catch (error) {
      this.#leave(session)
      session.destroy()
      throw error
    } finally {
      session.unref()
    }
  }

  close(): void {
    this.#session?.destroy()
  }

  #open(): ClientHttp2Session {
    const session = connect(this.#url.origin, { ...this.#certificates, settings: { enablePush: false } })
    const leave = () => this.#leave(session)
    // The calls hear of it themselves.
    return session.on('error', leave).on('goaway', leave).on('close', leave)
  }

  #leave(session: ClientHttp2Session): void {
    if (this.#session === session) this.#session = undefined
  }
}

function answered(session: ClientHttp2Session, url: URL, request: GrpcRequest, signal: AbortSignal): Promise<GrpcAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let head: Head | undefined
    let trailers: IncomingHttpHeaders | undefined
    let failure: Error | undefined
    session
      .request(fieldsOf(url, request), { signal })
      .on('response', (headers) => (head = headers))
      .on('trailers', (headers) => (trailers = headers))
      .on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= ANSWER_BYTES_MAX) chunks.push(chunk)
      })
      .on('error', (error: Error) => (failure = error))
      .on('close', () => {
        const answer = answerOf(head, trailers, Buffer.concat(chunks))
        // A status that has come is the answer, whatever became of the stream after it.
        if (answer !== undefined) resolve(answer)
        else reject(failure ?? new Error('it closed the stream without a status'))
      })
      .end(framed(request))
  })
}

function fieldsOf(url: URL, { path, headers, isGzipped, timeoutMs }: GrpcRequest): OutgoingHttpHeaders {
  return {
    ...headers,
    ':method': 'POST',
    ':scheme': url.protocol.slice(0, -1),
    ':authority': url.host,
    ':path': path,
    te: 'trailers',
    'content-type': 'application/grpc',
    // Eight digits at most.
    'grpc-timeout': `${Math.min(timeoutMs, 99_999_999)}m`,
    ...(isGzipped && { 'grpc-encoding': 'gzip' }),
  }
}

/** One message with its length before it (grpc/grpc, doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"). */
function framed({ message, isGzipped }: GrpcRequest): Buffer {
  const prefix = Buffer.alloc(5)
  prefix[0] = isGzipped ? 1 : 0
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

type Head = IncomingHttpHeaders & IncomingHttpStatusHeader

function answerOf(head: Head | undefined, trailers: IncomingHttpHeaders | undefined, body: Buffer): GrpcAnswer | undefined {
  // Whoever has nothing to say but a status says it in the first fields.
  const { 'grpc-status': code, 'grpc-message': words, 'grpc-status-details-bin': details } = { ...head, ...trailers }
  if (code !== undefined) {
    return {
      code: Number(code),
      words: decoded(String(words ?? '')),
      details: details === undefined ? undefined : Buffer.from(String(details), 'base64'),
      message: messageIn(body),
    }
  }
  const status = head?.[':status']
  if (status === undefined) return undefined
  const isGrpc = head?.['content-type']?.startsWith('application/grpc') === true
  if (status === 200 && isGrpc) return undefined
  const said = `HTTP ${status}, and nothing of gRPC: ${body.toString('utf8').slice(0, 100)}`
  return { code: CODES_OF_HTTP[status] ?? GRPC.unknown, words: said, details: undefined, message: Buffer.alloc(0) }
}

/** Percent-encoded UTF-8. */
function decoded(words: string): string {
  try {
    return decodeURIComponent(words)
  } catch {
    return words
  }
}

/** The first message, if it is there whole. A compressed one cannot be: none was asked for. */
function messageIn(body: Buffer): Uint8Array {
  if (body.length < 5 || body[0] !== 0) return Buffer.alloc(0)
  const end = 5 + body.readUInt32BE(1)
  return body.length < end ? Buffer.alloc(0) : body.subarray(5, end)
}
