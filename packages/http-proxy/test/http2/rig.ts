import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** A connection to a server that speaks HTTP/2 without TLS. */
export function client(t: TestContext, port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`).on('error', () => {})
  t.after(() => session.destroy())
  return session
}

export interface StreamAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly trailers: IncomingHttpHeaders
  readonly body: string
  /** Of interim answers. */
  readonly interim: readonly IncomingHttpHeaders[]
  /** How the stream closed. */
  readonly code: number
}

export interface StreamRequest {
  readonly headers: OutgoingHttpHeaders
  readonly body?: string | Buffer
  readonly trailers?: OutgoingHttpHeaders
}

/** One request, and all that came of it. */
export function askStream(session: ClientHttp2Session, { headers, body, trailers }: StreamRequest): Promise<StreamAnswer> {
  const stream = session.request(headers, {
    endStream: body === undefined && trailers === undefined,
    waitForTrailers: trailers !== undefined,
  })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers!))
  if (body !== undefined || trailers !== undefined) stream.end(body)
  return answerOf(stream)
}

export async function answerOf(stream: ClientHttp2Stream): Promise<StreamAnswer> {
  const chunks: Buffer[] = []
  const interim: IncomingHttpHeaders[] = []
  let headers: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  stream
    .on('headers', (each) => interim.push(each))
    .on('response', (each) => (headers = each))
    .on('trailers', (each) => (trailers = each))
    .on('data', (chunk: Buffer) => chunks.push(chunk))
    .on('error', () => {})
  await new Promise((resolve) => stream.on('close', resolve))
  const status = Number(headers[':status'] ?? 0)
  return { status, headers, trailers, body: Buffer.concat(chunks).toString(), interim, code: stream.rstCode }
}

export interface StreamUpstream {
  readonly url: URL
  readonly protocol: 'h2'
  readonly sessions: Http2Session[]
  readonly received: { readonly headers: readonly string[]; readonly body: string; readonly trailers: IncomingHttpHeaders }[]
}

/** An upstream that speaks HTTP/2 without TLS; by default it answers 200 with a JSON echo. */
export async function streamUpstream(
  t: TestContext,
  listener: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void = echoStream,
  settings: Settings = {},
): Promise<StreamUpstream> {
  const server = createServer({ settings })
  const sessions: Http2Session[] = []
  const received: StreamUpstream['received'][number][] = []
  server.on('session', (session) => sessions.push(session.on('error', () => {})))
  server.on('stream', (stream, headers, _flags, raw) => {
    const chunks: Buffer[] = []
    let trailers: IncomingHttpHeaders = {}
    stream
      .on('error', () => {})
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('trailers', (each) => (trailers = each))
      .on('end', () => received.push({ headers: raw, body: Buffer.concat(chunks).toString(), trailers }))
    listener(stream, headers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), protocol: 'h2', sessions, received }
}

export function echoStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  let bytes = 0
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length))
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' })
    stream.end(JSON.stringify({ method: headers[':method'], url: headers[':path'], bytes }))
  })
}
