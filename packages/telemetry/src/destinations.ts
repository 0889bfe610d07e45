import type { Transport } from './export-queue.ts'
import { otlpGrpc } from './otlp/grpc.ts'
import { otlpHttp } from './otlp/http.ts'
import type { OtlpItems, OtlpProtocol, OtlpSignal } from './otlp/items.ts'
import type { WireOptions } from './wire.ts'
import { zipkinHttp } from './zipkin-http.ts'

/** How one place is spoken to by OTLP. */
interface OtlpOptions extends WireOptions {
  /** Default `http/json`. */
  readonly protocol?: OtlpProtocol
  /** How often metrics go there. Default 60,000 ms. */
  readonly metricsEveryMs?: number
}

/** Where spans, metrics and log records go: to whatever speaks OTLP (a Collector, Jaeger, Tempo, a vendor), or spans to a Zipkin. */
export type Destination =
  /**
   * `url` is the base, to which `/v1/traces`, `/v1/metrics` and `/v1/logs` are appended: `http://127.0.0.1:4318`; over gRPC nothing is: `http://127.0.0.1:4317`. It gets all
   * three, unless `signals` says which.
   */
  | (OtlpOptions & { readonly kind: 'otlp'; readonly url: string; readonly signals?: readonly OtlpSignal[] })
  /** One of them, where it has an address of its own: `url` is the whole address. */
  | (OtlpOptions & { readonly kind: `otlp-${OtlpSignal}`; readonly url: string })
  /** `url` is the whole address: `http://127.0.0.1:9411/api/v2/spans`. */
  | (WireOptions & { readonly kind: 'zipkin'; readonly url: string })

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
      return otlp(signal, { ...destination, url: destination.protocol === 'grpc' ? destination.url : signalUrl(destination.url, signal) })
    default:
      return otlp(signal, destination)
  }
}

function otlp<Signal extends OtlpSignal>(
  signal: Signal,
  destination: OtlpOptions & { readonly url: string },
): Transport<OtlpItems[Signal]> {
  const { protocol = 'http/json', ...options } = destination
  return protocol === 'grpc' ? otlpGrpc({ ...options, signal }) : otlpHttp({ ...options, signal, protocol })
}

/** As the OTLP specification says of OTEL_EXPORTER_OTLP_ENDPOINT. */
export function signalUrl(base: string, signal: OtlpSignal): string {
  const url = URL.parse(base)
  if (url === null) return base
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/${signal}`
  return url.href
}
