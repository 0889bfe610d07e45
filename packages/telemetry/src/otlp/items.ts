import type { JsonLogsSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { MetricsMoment } from './metrics.ts'

/** A log record, as OpenTelemetry's own serializers take it. */
export type ReadableLogRecord = Parameters<(typeof JsonLogsSerializer)['serializeRequest']>[0][number]

/** What goes out by OTLP, by signal. All metrics of a moment are one item. */
export interface OtlpItems {
  readonly traces: ReadableSpan
  readonly metrics: MetricsMoment
  readonly logs: ReadableLogRecord
}

export type OtlpSignal = keyof OtlpItems

export const OTLP_SIGNALS: readonly OtlpSignal[] = ['traces', 'metrics', 'logs']

/** How a request's body is written, and what carries it. All three say the same. */
export type OtlpProtocol = 'grpc' | 'http/json' | 'http/protobuf'

export const OTLP_PROTOCOLS: readonly OtlpProtocol[] = ['grpc', 'http/json', 'http/protobuf']
