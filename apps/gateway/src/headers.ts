import type { TraceHeaders } from 'seaworthy/core'

/** Names and values in turn, as in node's `rawHeaders`: nothing is joined, reordered or lost. */
export type RawHeaders = readonly string[]

// RFC 9110, section 7.6.1: they are about one connection, not about the message.
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Headers of a request that the gateway alone writes: framing, where the request came from, context. What a client
 * says there is dropped, or was read and checked before.
 */
const WRITTEN_ANEW: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'expect',
  'forwarded',
  'x-real-ip',
  'traceparent',
  'tracestate',
  'baggage',
  'x-correlation-id',
  'x-request-timeout-ms',
])
const WRITTEN_ANEW_PREFIX = /^x[-_](?:forwarded|seaworthy)[-_]/

export const CORRELATION_ID = 'x-correlation-id'

/** What the gateway adds to a request that it forwards. */
export interface ForwardedContext extends TraceHeaders {
  readonly clientAddress: string
  /** The Host that the client asked for; undefined in HTTP/1.0. */
  readonly clientHost: string | undefined
  /** Host and port of the upstream. */
  readonly upstreamHost: string
  readonly framing: Framing
  readonly correlationId: string
  readonly baggage: string | undefined
  readonly timeoutMs: number | undefined
}

/** How the body of a request is delimited, as the parser understood it: written anew, so that both sides agree. */
export type Framing = { readonly kind: 'none' } | { readonly kind: 'length'; readonly bytes: number } | { readonly kind: 'chunked' }

/** The end-to-end headers of a client's request: what is left when the connection's and the gateway's own are taken out. */
export function endToEndRequestHeaders(raw: RawHeaders): RawHeaders {
  return without(raw, (name) => WRITTEN_ANEW.has(name) || WRITTEN_ANEW_PREFIX.test(name))
}

/** The end-to-end headers of an upstream's answer. */
export function endToEndResponseHeaders(raw: RawHeaders): RawHeaders {
  return without(raw, (name) => name === CORRELATION_ID)
}

/** The headers to send to the upstream. Added last, so that a `Connection: X-Forwarded-For` of the client cannot take them out. */
export function forwardedHeaders(endToEnd: RawHeaders, context: ForwardedContext): string[] {
  const headers = ['host', context.upstreamHost, ...endToEnd]
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined) headers.push(name, value)
  }
  add('x-forwarded-for', context.clientAddress)
  add('x-forwarded-host', context.clientHost)
  add('x-forwarded-proto', 'http')
  add(CORRELATION_ID, context.correlationId)
  add('traceparent', context.traceparent)
  add('tracestate', context.tracestate)
  add('baggage', context.baggage)
  add('x-request-timeout-ms', context.timeoutMs?.toString())
  if (context.framing.kind === 'length') add('content-length', String(context.framing.bytes))
  if (context.framing.kind === 'chunked') add('transfer-encoding', 'chunked')
  return headers
}

/** The values of a header, in order. */
export function valuesOf(raw: RawHeaders, name: string): string[] {
  const values: string[] = []
  for (let index = 0; index < raw.length; index += 2) if (raw[index]!.toLowerCase() === name) values.push(raw[index + 1]!)
  return values
}

function without(raw: RawHeaders, isDropped: (name: string) => boolean): RawHeaders {
  const named = new Set(valuesOf(raw, 'connection').flatMap((value) => value.split(',').map((name) => name.trim().toLowerCase())))
  const kept: string[] = []
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!.toLowerCase()
    if (!HOP_BY_HOP.has(name) && !named.has(name) && !isDropped(name)) kept.push(raw[index]!, raw[index + 1]!)
  }
  return kept
}
