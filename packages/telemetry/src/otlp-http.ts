import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { ROOT_CONTEXT, context } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { ConfigurationError } from 'seaworthy/core'
import type { SendResult, SpanTransport } from './span-queue.ts'

export interface OtlpHttpOptions {
  /** The collector's base URL; `/v1/traces` is appended, as the OTLP specification says of OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** A request that has no answer after this long counts as not arrived. Default 5,000 ms. */
  readonly timeoutMs?: number
}

const RESPONSE_BYTES_MAX = 65_536

/** Statuses that the OTLP specification (section "Retryable Response Codes") calls retryable. */
const RETRYABLE = new Set([429, 502, 503, 504])

/** OTLP over HTTP with JSON. @throws ConfigurationError when the URL is none */
export function otlpHttp(options: OtlpHttpOptions): SpanTransport {
  const url = tracesUrl(options.url)
  const isSecure = url.protocol === 'https:'
  const agent = isSecure ? new SecureAgent({ keepAlive: true, maxSockets: 1 }) : new Agent({ keepAlive: true, maxSockets: 1 })
  const timeoutMs = options.timeoutMs ?? 5_000
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
        (response) => void read(response).then((text) => resolve(interpret(response, text)), fail),
      )
      const fail = (error: unknown) => resolve({ kind: 'unreachable', why: `${url.origin}: ${reason(error)}` })
      outgoing.on('error', fail)
      outgoing.end(body)
    })

  return {
    async send(spans, signal) {
      try {
        const body = await serialize(spans)
        return await context.with(untraced, () => post(body, signal))
      } catch (error) {
        return { kind: 'refused', why: `The spans could not be encoded: ${reason(error)}` }
      }
    },
    close: () => agent.destroy(),
  }
}

function tracesUrl(base: string): URL {
  try {
    return new URL(`${base.replace(/\/+$/, '')}/v1/traces`)
  } catch (cause) {
    throw new ConfigurationError(`"${base}" is no URL of an OTLP collector. Use one like http://127.0.0.1:4318.`, { cause })
  }
}

// Loaded with the first batch, because it costs a third of the whole import and nothing has to be sent while a process starts.
async function serialize(spans: readonly ReadableSpan[]): Promise<Uint8Array> {
  const { JsonTraceSerializer } = await import('@opentelemetry/otlp-transformer')
  const body = JsonTraceSerializer.serializeRequest([...spans])
  if (body === undefined) throw new Error('the serializer gave nothing')
  return body
}

async function read(response: IncomingMessage): Promise<string> {
  let text = ''
  // Read to its end even beyond the limit: an answer that is not read keeps its connection from being used again.
  for await (const chunk of response.setEncoding('utf8')) if (text.length < RESPONSE_BYTES_MAX) text += String(chunk)
  return text
}

function interpret(response: IncomingMessage, text: string): SendResult {
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) return { kind: 'stored', ...partialSuccess(text) }
  const why = `the collector answered ${status}: ${text.slice(0, 200)}`
  if (!RETRYABLE.has(status)) return { kind: 'refused', why }
  const seconds = Number(response.headers['retry-after'])
  return { kind: 'unreachable', why, retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined }
}

/** What a collector says of spans that it did not take although it took the request (ExportTracePartialSuccess). */
function partialSuccess(text: string): { rejected: number; why: string } {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: { rejectedSpans?: number | string; errorMessage?: string } }
    return { rejected: Number(partialSuccess?.rejectedSpans ?? 0) || 0, why: partialSuccess?.errorMessage ?? '' }
  } catch {
    return { rejected: 0, why: '' }
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? ('code' in error ? String(error.code) : error.message) : String(error)
}
