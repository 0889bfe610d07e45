/**
 * Telemetry: one call that sets a process up for OpenTelemetry traces and structured logs.
 *
 * The problem: a request crosses ten processes, and nobody can say where its time went or which log lines belong to it.
 * The guarantee: every operation of the library is a span of the right trace, across processes, the outbox and queues; every log line
 * has the correlation id and the trace of the work in progress; secrets are replaced before anything is stored or sent.
 * Not promised: that every span arrives. The queue is bounded and a process that is killed loses what it had not sent; both are counted.
 */
export { type Telemetry, type TelemetryOptions, startTelemetry } from './telemetry.ts'
export { type SpanDestination, destinationsFrom } from './destinations.ts'
export { type LogOptions, createLogger } from './logger.ts'
export { type ExportStatus } from './span-queue.ts'
export { redactedJson } from './redaction.ts'
