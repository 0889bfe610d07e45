import { ConfigurationError } from 'seaworthy/core'
import { otlpHttp } from './otlp-http.ts'
import type { SpanTransport } from './span-queue.ts'
import { zipkinHttp } from './zipkin-http.ts'

/** Where finished spans go: to whatever speaks OTLP (a Collector, Jaeger, Tempo, a vendor), or to a Zipkin. */
export type SpanDestination =
  /** `url` is the base, to which `/v1/traces` is appended: `http://127.0.0.1:4318`. */
  | { readonly kind: 'otlp'; readonly url: string; readonly headers?: Readonly<Record<string, string>> }
  /** `url` is the whole address: `http://127.0.0.1:9411/api/v2/spans`. */
  | { readonly kind: 'zipkin'; readonly url: string; readonly headers?: Readonly<Record<string, string>> }

/** @throws ConfigurationError when the URL is none */
export function transportTo({ kind, ...options }: SpanDestination): SpanTransport {
  switch (kind) {
    case 'otlp':
      return otlpHttp(options)
    case 'zipkin':
      return zipkinHttp(options)
  }
}

/**
 * What OpenTelemetry's own variables ask for: `OTEL_EXPORTER_OTLP_ENDPOINT` with `OTEL_EXPORTER_OTLP_HEADERS`, and `OTEL_EXPORTER_ZIPKIN_ENDPOINT`.
 * None where none is set.
 * @throws ConfigurationError for a protocol that is not spoken here, or headers that are none
 */
export function destinationsFrom(env: NodeJS.ProcessEnv): readonly SpanDestination[] {
  const set = (name: string): string | undefined => (env[name] === '' ? undefined : env[name])
  const otlp = set('OTEL_EXPORTER_OTLP_ENDPOINT')
  const zipkin = set('OTEL_EXPORTER_ZIPKIN_ENDPOINT')
  const protocol = set('OTEL_EXPORTER_OTLP_PROTOCOL')
  if (otlp !== undefined && protocol === 'grpc') {
    throw new ConfigurationError(
      'OTEL_EXPORTER_OTLP_PROTOCOL is grpc. Spans are sent over HTTP here: take the variable away, and name the port for HTTP (usually 4318) in OTEL_EXPORTER_OTLP_ENDPOINT.',
    )
  }
  const headers = headersIn(set('OTEL_EXPORTER_OTLP_HEADERS') ?? '')
  return [
    ...(otlp === undefined ? [] : [{ kind: 'otlp' as const, url: otlp, headers }]),
    ...(zipkin === undefined ? [] : [{ kind: 'zipkin' as const, url: zipkin }]),
  ]
}

/** `name=value` pairs with commas between, values percent-encoded, as in W3C Baggage. */
function headersIn(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '')
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^\s*([!#$%&'*+.^`|~\w-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? []
      if (name === undefined || value === undefined) throw unreadable()
      try {
        return [name, decodeURIComponent(value)]
      } catch {
        throw unreadable()
      }
    }),
  )
}

// Without what it holds: that is usually a key.
const unreadable = () =>
  new ConfigurationError(
    'OTEL_EXPORTER_OTLP_HEADERS is no list of headers. Write name=value, with commas between, and percent-encode values.',
  )
