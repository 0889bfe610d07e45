import type { ResourceLogs } from './check-logs.ts'
import { type AnyValue, type KeyValue, scalarAttribute, textAttribute } from '../otlp/model.ts'
import { safeFields } from '../redaction/fields.ts'
import { safeText } from '../redaction/text.ts'

/** A log record as it is stored, without secrets. */
export interface LogRow {
  /** Microseconds since the epoch. */
  readonly timeUs: number
  readonly service: string
  readonly instance: string | null
  /** OpenTelemetry's severity number: trace 1 to 4, debug 5 to 8, info 9 to 12, warn 13 to 16, error 17 to 20, fatal 21 to 24; 0 unknown. */
  readonly severity: number
  readonly traceId: string | null
  readonly spanId: string | null
  readonly correlationId: string | null
  readonly message: string
  /** All other fields, as JSON. */
  readonly body: string
  /** About as many as it takes where it waits, and in the store. */
  readonly bytes: number
}

/** Of a message or of its fields. What is longer is cut, and says so. */
const TEXT_LENGTH_MAX = 16_384
const CUT = '… (cut)'
const CORRELATION_IDS = ['seaworthy.correlation_id', 'correlationId', 'correlation_id']
const UNKNOWN_SERVICE = 'unknown'

/** Records that came by OTLP. Those that say no time get that of their arrival. */
export function logRows(resourceLogs: readonly ResourceLogs[], nowMs: number): LogRow[] {
  return resourceLogs.flatMap(({ resource, scopeLogs }) => {
    const service = textAttribute(resource?.attributes, 'service.name') || UNKNOWN_SERVICE
    const instance = textAttribute(resource?.attributes, 'service.instance.id') ?? null
    return scopeLogs.flatMap(({ scope, logRecords }) =>
      logRecords.map((record) => {
        const attribute = (key: string) => scalarAttribute(record.attributes, key)
        const nanos = record.timeUnixNano ?? record.observedTimeUnixNano
        const fields = {
          ...(scope !== undefined && { scope }),
          ...(record.eventName !== undefined && { eventName: record.eventName }),
          ...plainFields(record.attributes.filter(({ key }) => !CORRELATION_IDS.includes(key))),
        }
        const body = plainValue(record.body)
        return logRow({
          timeUs: nanos === undefined ? nowMs * 1_000 : Number(BigInt(nanos) / 1_000n),
          service,
          instance,
          severity: record.severityNumber,
          traceId: record.traceId ?? null,
          spanId: record.spanId ?? null,
          correlationId: CORRELATION_IDS.map(attribute).find((id) => id !== undefined) ?? null,
          message: typeof body === 'string' ? body : '',
          fields: typeof body === 'string' || body === null ? fields : { ...fields, body },
        })
      }),
    )
  })
}

/** Takes the secrets out, and cuts what is too long. Where there is no message, the fields tell what happened. */
export function logRow({
  message,
  fields,
  ...row
}: Omit<LogRow, 'body' | 'bytes'> & { readonly fields: Readonly<Record<string, unknown>> }): LogRow {
  const body = cut(JSON.stringify(safeFields(fields)))
  // Cut before anything looks at it: the patterns of secrets are not made for megabytes.
  const safeMessage = cut(safeText(message.slice(0, 2 * TEXT_LENGTH_MAX)))
  return {
    ...row,
    service: safeText(row.service),
    instance: row.instance && safeText(row.instance),
    correlationId: row.correlationId && safeText(row.correlationId),
    message: safeMessage,
    body,
    bytes: safeMessage.length + body.length,
  }
}

function cut(text: string): string {
  return text.length <= TEXT_LENGTH_MAX ? text : text.slice(0, TEXT_LENGTH_MAX - CUT.length) + CUT
}

function plainFields(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]))
}

function plainValue(value: AnyValue | undefined): unknown {
  if (value === undefined) return null
  if (value.stringValue !== undefined) return value.stringValue
  if (value.boolValue !== undefined) return value.boolValue
  if (value.doubleValue !== undefined) return Number(value.doubleValue)
  if (value.intValue !== undefined) {
    const number = Number(value.intValue)
    return Number.isSafeInteger(number) ? number : String(value.intValue)
  }
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plainValue)
  if (value.kvlistValue !== undefined) return plainFields(value.kvlistValue.values ?? [])
  return value.bytesValue === undefined ? null : Buffer.from(value.bytesValue, 'base64')
}
