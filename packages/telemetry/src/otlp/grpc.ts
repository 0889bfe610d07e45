import type { SendResult, Transport } from '../export-queue.ts'
import { TIMEOUT_MS, type WireOptions, checkWire, delivering, reason } from '../wire.ts'
import { partialSuccessInProtobuf, rpcStatus } from './answers.ts'
import { GRPC, type GrpcAnswer, GrpcChannel } from './grpc-channel.ts'
import { collectorUrl } from './http.ts'
import type { OtlpItems, OtlpSignal } from './items.ts'
import { ENCODINGS, type Serialize, serializer } from './serializers.ts'

export interface OtlpGrpcOptions<Signal extends OtlpSignal> extends WireOptions {
  readonly signal: Signal
  /** Scheme, host and port: `http:` without encryption, `https:` with it. gRPC has no place for a path. */
  readonly url: string
}

const PATHS: Readonly<Record<OtlpSignal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
}

/** Those that the OTLP specification (section "OTLP/gRPC Response", "Failures") calls retryable. RESOURCE_EXHAUSTED is where the collector says when. */
const RETRYABLE: ReadonlySet<number> = new Set([
  GRPC.cancelled,
  GRPC.deadlineExceeded,
  GRPC.aborted,
  GRPC.outOfRange,
  GRPC.unavailable,
  GRPC.dataLoss,
])

/** OTLP over gRPC. @throws ConfigurationError when the URL or the certificates are none */
export function otlpGrpc<Signal extends OtlpSignal>(options: OtlpGrpcOptions<Signal>): Transport<OtlpItems[Signal]> {
  const { signal: kind, headers, compression, certificates, timeoutMs = TIMEOUT_MS } = options
  const url = collectorUrl(options.url)
  checkWire(url, options)
  const channel = new GrpcChannel(url, certificates)
  const isGzipped = compression === 'gzip'
  let serialize: Promise<Serialize<OtlpItems[Signal]>> | undefined
  const load = () => (serialize ??= serializer(kind, ENCODINGS.grpc))

  const call = async (message: Uint8Array, signal: AbortSignal): Promise<SendResult> => {
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const request = { path: PATHS[kind], headers, message, isGzipped, timeoutMs }
      return interpret(await channel.call(request, AbortSignal.any([signal, timeout])))
    } catch (error) {
      const why = timeout.aborted ? `no answer within ${timeoutMs} ms` : reason(error)
      return { kind: 'unreachable', why: `${url.origin}: ${why}` }
    }
  }
  return delivering({ load, encode: async (items) => (await load())(items), compression, deliver: call, close: () => channel.close() })
}

function interpret({ code, words, details, message }: GrpcAnswer): SendResult {
  if (code === GRPC.ok) return { kind: 'stored', ...partialSuccessInProtobuf(message) }
  const retryAfterMs = details === undefined ? undefined : rpcStatus(details)?.retryAfterMs
  const why = `the collector answered with gRPC's status ${code}: ${words.slice(0, 200)}`
  const isRetryable = RETRYABLE.has(code) || (code === GRPC.resourceExhausted && retryAfterMs !== undefined)
  return isRetryable ? { kind: 'unreachable', why, retryAfterMs } : { kind: 'refused', why }
}
