import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { ROOT_CONTEXT, context } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import type { SendResult, Transport } from './export-queue.ts'

export interface HttpPostOptions<Item> {
  /** The whole address. */
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A request that has no answer after this long counts as not arrived. Default 5,000 ms. */
  readonly timeoutMs?: number | undefined
  readonly contentType: string
  /** Loads what `encode` needs. */
  readonly load?: () => Promise<unknown>
  /** The body of a request. */
  readonly encode: (items: readonly Item[]) => Promise<Uint8Array>
  /** What a good answer says of items that were not taken. Default: nothing. */
  readonly partial?: (body: Uint8Array) => { readonly rejected: number; readonly why: string }
}

const RESPONSE_BYTES_MAX = 65_536

/** Those that the OTLP specification (section "Retryable Response Codes") calls retryable. Other protocols say nothing of it, and mean the same. */
const RETRYABLE = new Set([429, 502, 503, 504])

/** POST requests over one connection that is kept alive. */
export function httpPost<Item>(options: HttpPostOptions<Item>): Transport<Item> {
  const { url, encode, partial, contentType, timeoutMs = 5_000 } = options
  const isSecure = url.protocol === 'https:'
  const agent = isSecure ? new SecureAgent({ keepAlive: true, maxSockets: 1 }) : new Agent({ keepAlive: true, maxSockets: 1 })
  // An instrumentation of node:http would make spans of the requests that carry spans, for ever.
  const untraced = suppressTracing(ROOT_CONTEXT)

  const post = (body: Uint8Array, signal: AbortSignal): Promise<SendResult> =>
    new Promise((resolve) => {
      const send = isSecure ? secureRequest : request
      const outgoing: ClientRequest = send(
        url,
        {
          method: 'POST',
          agent,
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
          headers: { ...options.headers, 'content-type': contentType, 'content-length': body.byteLength },
        },
        (response) => void read(response).then((answer) => resolve(interpret(response, answer, partial)), fail),
      )
      const fail = (error: unknown) => resolve({ kind: 'unreachable', why: `${url.origin}: ${reason(error)}` })
      outgoing.on('error', fail)
      outgoing.end(body)
    })

  return {
    async prepare() {
      // What cannot be loaded is said of the request that needs it.
      await options.load?.().catch(() => undefined)
    },
    async send(items, signal) {
      try {
        const body = await encode(items)
        return await context.with(untraced, () => post(body, signal))
      } catch (error) {
        return { kind: 'refused', why: `They could not be encoded: ${reason(error)}` }
      }
    },
    close: () => agent.destroy(),
  }
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Read to its end even beyond the limit: an answer that is not read keeps its connection from being used again.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= RESPONSE_BYTES_MAX) chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function interpret<Item>(response: IncomingMessage, answer: Buffer, partial: HttpPostOptions<Item>['partial']): SendResult {
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) return { kind: 'stored', ...(partial?.(answer) ?? { rejected: 0, why: '' }) }
  const why = `the collector answered ${status}: ${answer.toString('utf8').slice(0, 200)}`
  if (!RETRYABLE.has(status)) return { kind: 'refused', why }
  const seconds = Number(response.headers['retry-after'])
  return { kind: 'unreachable', why, retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined }
}

function reason(error: unknown): string {
  return error instanceof Error ? ('code' in error ? String(error.code) : error.message) : String(error)
}
