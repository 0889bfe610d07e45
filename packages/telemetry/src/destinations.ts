import { ConfigurationError } from 'seaworthy/core'
import type { Transport } from './export-queue.ts'
import { type OtlpItems, type OtlpProtocol, type OtlpSignal, OTLP_SIGNALS, otlpHttp } from './otlp-http.ts'
import { zipkinHttp } from './zipkin-http.ts'

/** How one place is spoken to by OTLP. */
interface OtlpOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** A request that has no answer after this long counts as not arrived. Default 5,000 ms. */
  readonly timeoutMs?: number
  /** Default `http/json`. */
  readonly protocol?: OtlpProtocol
  /** How often metrics go there. Default 60,000 ms. */
  readonly metricsEveryMs?: number
}

/** Where spans, metrics and log records go: to whatever speaks OTLP (a Collector, Jaeger, Tempo, a vendor), or spans to a Zipkin. */
export type Destination =
  /** `url` is the base, to which `/v1/traces`, `/v1/metrics` and `/v1/logs` are appended: `http://127.0.0.1:4318`. It gets all three, unless `signals` says which. */
  | (OtlpOptions & { readonly kind: 'otlp'; readonly url: string; readonly signals?: readonly OtlpSignal[] })
  /** One of them, where it has an address of its own: `url` is the whole address. */
  | (OtlpOptions & { readonly kind: `otlp-${OtlpSignal}`; readonly url: string })
  /** `url` is the whole address: `http://127.0.0.1:9411/api/v2/spans`. */
  | { readonly kind: 'zipkin'; readonly url: string; readonly headers?: Readonly<Record<string, string>> }

/** One signal's way to one place. */
export interface Way<Item> {
  /** Whom to name when it is in trouble: no path and no query, in which a key may be. */
  readonly to: string
  readonly transport: Transport<Item>
  readonly metricsEveryMs?: number | undefined
}

/** The ways of one signal. @throws ConfigurationError when a URL is none */
export function waysOf<Signal extends OtlpSignal>(signal: Signal, destinations: readonly Destination[]): readonly Way<OtlpItems[Signal]>[] {
  return destinations.flatMap((destination) => {
    const transport = transportOf(signal, destination)
    if (transport === undefined) return []
    const { metricsEveryMs } = destination.kind === 'zipkin' ? {} : destination
    return [{ to: new URL(destination.url).origin, transport, metricsEveryMs }]
  })
}

/** Whether there is anybody who would take it. */
export function isTaken(signal: OtlpSignal, destinations: readonly Destination[]): boolean {
  return destinations.some(({ kind, ...options }) => {
    if (kind === 'otlp') return (options as { signals?: readonly OtlpSignal[] }).signals?.includes(signal) ?? true
    return kind === 'zipkin' ? signal === 'traces' : kind === `otlp-${signal}`
  })
}

function transportOf<Signal extends OtlpSignal>(signal: Signal, destination: Destination): Transport<OtlpItems[Signal]> | undefined {
  if (!isTaken(signal, [destination])) return undefined
  switch (destination.kind) {
    case 'zipkin':
      // Spans alone go there.
      return zipkinHttp(destination) as Transport<OtlpItems[Signal]>
    case 'otlp':
      return otlpHttp({ ...destination, signal, url: signalUrl(destination.url, signal) })
    default:
      return otlpHttp({ ...destination, signal })
  }
}

/** As the OTLP specification says of OTEL_EXPORTER_OTLP_ENDPOINT. */
function signalUrl(base: string, signal: OtlpSignal): string {
  const url = URL.parse(base)
  if (url === null) return base
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/${signal}`
  return url.href
}

/**
 * What OpenTelemetry's own variables ask for: `OTEL_EXPORTER_OTLP_ENDPOINT`, `_HEADERS`, `_TIMEOUT` and `_PROTOCOL`, and the same of one signal
 * (`OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`), `OTEL_TRACES_EXPORTER` and its like (`none`, `otlp`, `zipkin`), `OTEL_METRIC_EXPORT_INTERVAL`, and
 * `OTEL_EXPORTER_ZIPKIN_ENDPOINT`. None where none is set.
 * @throws ConfigurationError for a protocol that is not spoken here, and for headers or times that are none
 */
export function destinationsFrom(env: NodeJS.ProcessEnv): readonly Destination[] {
  const set = (name: string): string | undefined => (env[name] === '' ? undefined : env[name])
  const zipkin = set('OTEL_EXPORTER_ZIPKIN_ENDPOINT')
  return [
    ...OTLP_SIGNALS.flatMap((signal) => (isExported(signal, 'otlp', set) ? otlpFrom(signal, set) : [])),
    ...(zipkin === undefined || !isExported('traces', 'zipkin', set) ? [] : [{ kind: 'zipkin' as const, url: zipkin }]),
  ]
}

type Variables = (name: string) => string | undefined

/** `OTEL_TRACES_EXPORTER` and its like name who gets a signal; where they name nobody, an address is enough. */
function isExported(signal: OtlpSignal, exporter: 'otlp' | 'zipkin', set: Variables): boolean {
  const names = set(`OTEL_${signal.toUpperCase()}_EXPORTER`)?.split(',')
  return names === undefined || names.some((name) => name.trim() === exporter)
}

function otlpFrom(signal: OtlpSignal, set: Variables): readonly Destination[] {
  /** A signal's own variable comes before that of all. */
  const either = (what: string): { readonly name: string; readonly value: string } | undefined => {
    for (const name of [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${what}`, `OTEL_EXPORTER_OTLP_${what}`]) {
      const value = set(name)
      if (value !== undefined) return { name, value }
    }
    return undefined
  }
  const endpoint = either('ENDPOINT')
  if (endpoint === undefined) return []
  const isOwn = endpoint.name.includes(signal.toUpperCase())
  const headers = either('HEADERS')
  const timeout = either('TIMEOUT')
  const protocol = either('PROTOCOL')
  const interval = signal === 'metrics' ? set('OTEL_METRIC_EXPORT_INTERVAL') : undefined
  return [
    {
      kind: `otlp-${signal}`,
      url: isOwn ? endpoint.value : signalUrl(endpoint.value, signal),
      ...(headers !== undefined && { headers: headersIn(headers.name, headers.value) }),
      ...(timeout !== undefined && { timeoutMs: milliseconds(timeout.name, timeout.value) }),
      ...(protocol !== undefined && { protocol: protocolIn(protocol.name, protocol.value) }),
      ...(interval !== undefined && { metricsEveryMs: milliseconds('OTEL_METRIC_EXPORT_INTERVAL', interval) }),
    },
  ]
}

function protocolIn(name: string, value: string): OtlpProtocol {
  if (value === 'http/json' || value === 'http/protobuf') return value
  throw new ConfigurationError(
    `${name} is ${value}. OTLP goes out over HTTP here: use http/protobuf or http/json, and name the port for HTTP (usually 4318) as the endpoint.`,
  )
}

function milliseconds(name: string, value: string): number {
  const ms = Number(value)
  // A timer of Node's takes no more.
  if (Number.isInteger(ms) && ms >= 1 && ms < 2 ** 31) return ms
  throw new ConfigurationError(`${name} is "${value}". It is a whole number of milliseconds, from 1.`)
}

/** `name=value` pairs with commas between, values percent-encoded, as in W3C Baggage. */
function headersIn(variable: string, text: string): Record<string, string> {
  // Without what it holds: that is usually a key.
  const unreadable = () =>
    new ConfigurationError(`${variable} is no list of headers. Write name=value, with commas between, and percent-encode values.`)
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
