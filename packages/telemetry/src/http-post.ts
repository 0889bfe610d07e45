import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import type { SendResult, Transport } from './export-queue.ts'
import { type PartialSuccess, rpcStatus } from './otlp/answers.ts'
import { ANSWER_BYTES_MAX, TIMEOUT_MS, type WireOptions, checkWire, delivering, reason } from './wire.ts'

export interface HttpPostOptions<Item> extends WireOptions {
  /** The whole address. */
  readonly url: URL
  readonly contentType: string
  /** Loads what `encode` needs. */
  readonly load?: () => Promise<unknown>
  /** The body of a request. */
  readonly encode: (items: readonly Item[]) => Promise<Uint8Array>
  /** What a good answer says of items that were not taken. Default: nothing. */
  readonly partial?: (body: Uint8Array) => PartialSuccess
}

/** Those that the OTLP specification (section "Retryable Response Codes") calls retryable. Other protocols say nothing of it, and mean the same. */
const RETRYABLE = new Set([429, 502, 503, 504])

/** POST requests over one connection that is kept alive. @throws ConfigurationError when the certificates are none, or a header is */
export function httpPost<Item>(options: HttpPostOptions<Item>): Transport<Item> {
  const { url, load, encode, partial, contentType, compression, certificates, timeoutMs = TIMEOUT_MS } = options
  checkWire(url, options)
  const isSecure = url.protocol === 'https:'
  const agent = isSecure
    ? new SecureAgent({ keepAlive: true, maxSockets: 1, ...certificates })
    : new Agent({ keepAlive: true, maxSockets: 1 })

  const post = (body: Uint8Array, signal: AbortSignal): Promise<SendResult> =>
    new Promise((resolve) => {
      const send = isSecure ? secureRequest : request
      const timeout = AbortSignal.timeout(timeoutMs)
      const headers = {
        ...options.headers,
        'content-type': contentType,
        'content-length': body.byteLength,
        ...(compression === 'gzip' && { 'content-encoding': 'gzip' }),
      }
      const outgoing: ClientRequest = send(
        url,
        { method: 'POST', agent, signal: AbortSignal.any([signal, timeout]), headers },
        (response) => void read(response).then((answer) => resolve(interpret(response, answer, partial)), fail),
      )
      const fail = (error: unknown) => {
        const why = timeout.aborted ? `no answer within ${timeoutMs} ms` : reason(error)
        resolve({ kind: 'unreachable', why: `${url.origin}: ${why}` })
      }
      outgoing.on('error', fail)
      outgoing.end(body)
    })

  return delivering({ load, encode, compression, deliver: post, close: () => agent.destroy() })
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Read to its end even beyond the limit: an answer that is not read keeps its connection from being used again.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= ANSWER_BYTES_MAX) chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function interpret<Item>(response: IncomingMessage, answer: Buffer, partial: HttpPostOptions<Item>['partial']): SendResult {
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) return { kind: 'stored', ...(partial?.(answer) ?? { rejected: 0, why: '' }) }
  const why = `the collector answered ${status}: ${wordsOf(response, answer).slice(0, 200)}`
  if (!RETRYABLE.has(status)) return { kind: 'refused', why }
  return { kind: 'unreachable', why, retryAfterMs: retryAfterMs(response.headers) }
}

/** A collector that was sent protobuf answers in protobuf. */
function wordsOf({ headers }: IncomingMessage, answer: Buffer): string {
  const isProtobuf = headers['content-type']?.startsWith('application/x-protobuf') === true
  return (isProtobuf ? rpcStatus(answer)?.message : undefined) ?? answer.toString('utf8')
}

/** Seconds, or a date, by the clock of whoever sent it (RFC 9110, section 10.2.3). */
function retryAfterMs({ 'retry-after': after, date }: IncomingMessage['headers']): number | undefined {
  if (after === undefined) return undefined
  const ms = /^\d+$/.test(after) ? Number(after) * 1_000 : Date.parse(after) - Date.parse(date ?? '')
  return ms > 0 ? ms : undefined
}
