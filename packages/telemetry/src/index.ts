/**
 * Telemetry: one call that sets a process up for OpenTelemetry traces, metrics and structured logs, and sends them where its environment says.
 *
 * The problem: a request crosses ten processes, and nobody can say where its time went or which log lines belong to it.
 * The guarantee: every operation of the library is a span of the right trace, across processes, the outbox and queues; every log line
 * has the correlation id and the trace of the work in progress; secrets are replaced before anything is stored or sent.
 * Not promised: that every span, data point or log record arrives. Queues are bounded and a process that is killed loses what it had not sent; what was lost is counted.
 */
export { type Telemetry, type TelemetryOptions, startTelemetry } from './telemetry.ts'
export { type Destination, isTaken } from './destinations.ts'
export { destinationsFrom } from './destinations-from.ts'
export { type LogOptions, createLogger } from './logger.ts'
export { type ExportStatus } from './export-queue.ts'
export { type Certificates, type Compression, type WireOptions } from './wire.ts'
export { type OtlpProtocol, type OtlpSignal } from './otlp/items.ts'
export { redactedJson } from './redaction.ts'
