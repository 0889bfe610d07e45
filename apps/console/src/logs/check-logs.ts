import type { AnyValue, KeyValue } from '../otlp/model.ts'
import { enumeration, field, id, isNoId, keyValues, list, nanos, resourceOf, text } from '../otlp/values.ts'

export interface ResourceLogs {
  readonly resource: { readonly attributes: readonly KeyValue[] } | undefined
  readonly scopeLogs: readonly { readonly scope: string | undefined; readonly logRecords: readonly LogRecord[] }[]
}

/** A record whose ids and times hold. */
interface LogRecord {
  readonly timeUnixNano: string | undefined
  readonly observedTimeUnixNano: string | undefined
  readonly severityNumber: number
  readonly eventName: string | undefined
  readonly body: AnyValue | undefined
  readonly attributes: readonly KeyValue[]
  readonly traceId: string | undefined
  readonly spanId: string | undefined
}

export interface CheckedLogs {
  readonly resourceLogs: readonly ResourceLogs[]
  readonly recordCount: number
  readonly rejected: number
  readonly why: string | undefined
}

const SEVERITIES: Readonly<Record<string, number>> = Object.fromEntries(
  ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((name, group) =>
    ['', '2', '3', '4'].map((suffix, step) => [`SEVERITY_NUMBER_${name}${suffix}`, group * 4 + step + 1]),
  ),
)
const BY_TEXT: Readonly<Record<string, number>> = {
  trace: 1,
  debug: 5,
  info: 9,
  information: 9,
  warn: 13,
  warning: 13,
  error: 17,
  err: 17,
  fatal: 21,
  critical: 21,
}

/** Takes a decoded ExportLogsServiceRequest apart and brings every record to one form. @throws TypeError when it is none */
export function checkLogs(request: unknown): CheckedLogs {
  const given = list(field(request, 'resourceLogs'), 'resourceLogs')
  if (typeof request !== 'object' || request === null) throw new TypeError('it is no object.')
  let recordCount = 0
  let rejected = 0
  let why: string | undefined
  const resourceLogs = given.map((each): ResourceLogs => ({
    resource: resourceOf(field(each, 'resource')),
    scopeLogs: list(field(each, 'scopeLogs'), 'scopeLogs').map((scoped) => {
      const logRecords: LogRecord[] = []
      for (const record of list(field(scoped, 'logRecords'), 'logRecords')) {
        const checked = checkRecord(record)
        if (typeof checked === 'string') {
          rejected++
          why ??= checked
        } else {
          logRecords.push(checked)
          recordCount++
        }
      }
      return { scope: text(field(field(scoped, 'scope'), 'name')) || undefined, logRecords }
    }),
  }))
  return { resourceLogs, recordCount, rejected, why }
}

/** Whether a decoded request has more records, or empty lists of them, than that. @throws TypeError as {@link checkLogs} */
export function hasMoreRecordsThan(recordsMax: number, request: unknown): boolean {
  const resourceLogs = list(field(request, 'resourceLogs'), 'resourceLogs')
  let count = resourceLogs.length
  for (const each of resourceLogs) {
    const scopeLogs = list(field(each, 'scopeLogs'), 'scopeLogs')
    count += scopeLogs.length
    for (const scoped of scopeLogs) count += list(field(scoped, 'logRecords'), 'logRecords').length
    if (count > recordsMax) return true
  }
  return count > recordsMax
}

/** @returns why it is not kept, where it breaks the specification */
function checkRecord(record: unknown): LogRecord | string {
  if (typeof record !== 'object' || record === null) return 'a log record is no object'
  const [givenTrace, givenSpan] = [field(record, 'traceId'), field(record, 'spanId')]
  const [traceId, spanId] = [id(givenTrace, 32), id(givenSpan, 16)]
  if (traceId === undefined && !isNoId(givenTrace)) return 'traceId is not 32 hexadecimal digits'
  if (spanId === undefined && !isNoId(givenSpan)) return 'spanId is not 16 hexadecimal digits'
  const time = (name: string) => {
    const given = nanos(field(record, name))
    return given === '0' ? undefined : given
  }
  const body = field(record, 'body')
  const number = enumeration(field(record, 'severityNumber'), SEVERITIES)
  const severity = number >= 1 && number <= 24 ? number : (BY_TEXT[text(field(record, 'severityText'))?.toLowerCase() ?? ''] ?? 0)
  return {
    timeUnixNano: time('timeUnixNano'),
    observedTimeUnixNano: time('observedTimeUnixNano'),
    severityNumber: severity,
    eventName: text(field(record, 'eventName')) || undefined,
    body: typeof body === 'object' && body !== null ? body : undefined,
    attributes: keyValues(field(record, 'attributes')),
    traceId,
    spanId,
  }
}
