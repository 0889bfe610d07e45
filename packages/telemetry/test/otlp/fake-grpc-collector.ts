import { once } from 'node:events'
import {
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  createSecureServer,
  createServer,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** A status and what goes with it; no answer at all; a stream that is reset; or HTTP's own words, as a proxy has them. */
export type GrpcReply =
  | { readonly code: number; readonly words?: string; readonly details?: Uint8Array; readonly message?: Uint8Array }
  | 'hang'
  | 'reset'
  | { readonly httpStatus: number }

/** A collector on a loopback port that speaks gRPC, and answers as the test says: 0 when it says nothing. */
export class FakeGrpcCollector {
  readonly heard: {
    readonly path: string
    readonly headers: IncomingHttpHeaders
    readonly isGzipped: boolean
    readonly message: Buffer
  }[] = []
  readonly replies: GrpcReply[] = []
  connections = 0
  readonly #sessions = new Set<ServerHttp2Session>()
  #server: Http2Server | Http2SecureServer | undefined
  #tls: SecureServerOptions | undefined
  #port = 0

  get url(): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}`
  }

  async start(tls?: SecureServerOptions): Promise<this> {
    this.#tls = tls
    const server = tls === undefined ? createServer() : createSecureServer(tls)
    this.#server = server
    server
      .on('session', (session: ServerHttp2Session) => {
        this.connections++
        this.#sessions.add(session)
        session.on('close', () => this.#sessions.delete(session)).on('error', () => undefined)
      })
      .on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void this.#answer(stream, headers))
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
    return this
  }

  /** Ends the connections as a server that is being replaced does. */
  goAway(): void {
    for (const session of this.#sessions) session.goaway()
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    for (const session of this.#sessions) session.destroy()
    server.close()
    await once(server, 'close')
  }

  async #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    stream.on('error', () => undefined)
    const chunks: Buffer[] = []
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const isGzipped = body[0] === 1
    const message = body.subarray(5, 5 + body.readUInt32BE(1))
    this.heard.push({ path: String(headers[':path']), headers, isGzipped, message: isGzipped ? gunzipSync(message) : Buffer.from(message) })
    const reply = this.replies.shift() ?? { code: 0 }
    if (reply === 'hang' || stream.destroyed) return
    if (reply === 'reset') return stream.close(2)
    if ('httpStatus' in reply) {
      stream.respond({ ':status': reply.httpStatus, 'content-type': 'text/html' })
      stream.end('<h1>no</h1>')
      return
    }
    const status = {
      'grpc-status': String(reply.code),
      ...(reply.words !== undefined && { 'grpc-message': encodeURIComponent(reply.words) }),
      ...(reply.details !== undefined && { 'grpc-status-details-bin': Buffer.from(reply.details).toString('base64').replace(/=+$/, '') }),
    }
    const head = { ':status': 200, 'content-type': 'application/grpc+proto' }
    if (reply.code !== 0) {
      // Its status alone, in the first fields.
      stream.respond({ ...head, ...status }, { endStream: true })
      return
    }
    const answer = reply.message ?? Buffer.alloc(0)
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(answer.length, 1)
    stream.on('wantTrailers', () => stream.sendTrailers(status))
    stream.respond(head, { waitForTrailers: true })
    stream.end(Buffer.concat([prefix, answer]))
  }
}
