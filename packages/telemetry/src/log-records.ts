import { type HrTime, SeverityNumber } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableLogRecord } from './otlp/items.ts'

/** A line as the logger printed it, secrets replaced, and whether the span in progress was sampled, which it does not say. */
export interface PrintedLine {
  readonly text: string
  readonly traceFlags: number
}

/** OpenTelemetry's severity numbers, by what pino calls them. */
const SEVERITIES: Readonly<Record<string, SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  fatal: SeverityNumber.FATAL,
}

const SCOPE: ReadableLogRecord['instrumentationScope'] = { name: 'seaworthy' }

/**
 * The record that a line of the logger's becomes: its message is the body, its ids are those of the record, an error has the names of OpenTelemetry's conventions
 * (`exception.*`), and the other fields are attributes under their own names.
 */
export function logRecord({ text, traceFlags }: PrintedLine, resource: Resource): ReadableLogRecord {
  const { time, level, msg, service: _service, instance: _instance, correlationId, traceId, spanId, err, ...fields } = fieldsOf(text)
  const hrTime = hrTimeOf(time)
  const severityNumber = typeof level === 'string' ? SEVERITIES[level] : undefined
  return {
    hrTime,
    hrTimeObserved: hrTime,
    ...(severityNumber !== undefined && { severityNumber, severityText: String(level).toUpperCase() }),
    body: typeof msg === 'string' ? msg : '',
    ...(typeof traceId === 'string' && typeof spanId === 'string' && { spanContext: { traceId, spanId, traceFlags } }),
    // Fields are whatever JSON can say; the attributes of a log record may be that too, whatever their type says.
    attributes: {
      ...(correlationId !== undefined && { 'seaworthy.correlation_id': correlationId }),
      ...(err !== undefined && exceptionOf(err)),
      ...fields,
    },
    droppedAttributesCount: 0,
    resource,
    instrumentationScope: SCOPE,
  }
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return { msg: text.trimEnd() }
  }
}

function exceptionOf(err: unknown): Record<string, unknown> {
  if (typeof err !== 'object' || err === null) return { err }
  const { type, message, stack, ...rest } = err as Record<string, unknown>
  return {
    ...(type !== undefined && { 'exception.type': type }),
    ...(message !== undefined && { 'exception.message': message }),
    ...(stack !== undefined && { 'exception.stacktrace': stack }),
    ...(Object.keys(rest).length > 0 && { err: rest }),
  }
}

function hrTimeOf(time: unknown): HrTime {
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isFinite(ms) ? [Math.floor(ms / 1_000), (ms % 1_000) * 1_000_000] : [0, 0]
}
