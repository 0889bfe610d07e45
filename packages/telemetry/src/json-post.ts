import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { ROOT_CONTEXT, context } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { SendResult, SpanTransport } from './span-queue.ts'

export interface JsonPostOptions {
  /** The whole address. */
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A request that has no answer after this long counts as not arrived. Default 5,000 ms. */
  readonly timeoutMs?: number | undefined
  /** The body of a request. */
  readonly encode: (spans: readonly ReadableSpan[]) => string
  /** What the text of a good answer says of spans that were not taken. Default: nothing. */
  readonly partial?: (text: string) => { readonly rejected: number; readonly why: string }
}

const RESPONSE_BYTES_MAX = 65_536

/** Those that the OTLP specification (section "Retryable Response Codes") calls retryable. Other protocols say nothing of it, and mean the same. */
const RETRYABLE = new Set([429, 502, 503, 504])

/** Spans as JSON in POST requests, over one connection that is kept alive. */
export function jsonPost(options: JsonPostOptions): SpanTransport {
  const { url, encode, partial, timeoutMs = 5_000 } = options
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
          headers: { ...options.headers, 'content-type': 'application/json', 'content-length': body.byteLength },
        },
        (response) => void read(response).then((text) => resolve(interpret(response, text, partial)), fail),
      )
      const fail = (error: unknown) => resolve({ kind: 'unreachable', why: `${url.origin}: ${reason(error)}` })
      outgoing.on('error', fail)
      outgoing.end(body)
    })

  return {
    async send(spans, signal) {
      try {
        const body = Buffer.from(encode(spans))
        return await context.with(untraced, () => post(body, signal))
      } catch (error) {
        return { kind: 'refused', why: `The spans could not be encoded: ${reason(error)}` }
      }
    },
    close: () => agent.destroy(),
  }
}

async function read(response: IncomingMessage): Promise<string> {
  let text = ''
  // Read to its end even beyond the limit: an answer that is not read keeps its connection from being used again.
  for await (const chunk of response.setEncoding('utf8')) if (text.length < RESPONSE_BYTES_MAX) text += String(chunk)
  return text
}

function interpret(response: IncomingMessage, text: string, partial: JsonPostOptions['partial']): SendResult {
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) return { kind: 'stored', ...(partial?.(text) ?? { rejected: 0, why: '' }) }
  const why = `the collector answered ${status}: ${text.slice(0, 200)}`
  if (!RETRYABLE.has(status)) return { kind: 'refused', why }
  const seconds = Number(response.headers['retry-after'])
  return { kind: 'unreachable', why, retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined }
}

function reason(error: unknown): string {
  return error instanceof Error ? ('code' in error ? String(error.code) : error.message) : String(error)
}
