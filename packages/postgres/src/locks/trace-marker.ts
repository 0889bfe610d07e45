import { currentContext, traceHeaders } from 'seaworthy/core'

/** A span, and the service that it is of. */
export interface TraceReference {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  readonly service: string | undefined
}

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/
const SAMPLED = 1
const NO_CONTEXT = { correlationId: '' }

/** The span in progress, if it is recorded. */
export function spanInProgress(): { readonly traceId: string; readonly spanId: string } | undefined {
  const { traceparent } = traceHeaders(currentContext() ?? NO_CONTEXT)
  const parts = traceparent === undefined ? null : TRACEPARENT.exec(traceparent)
  if (parts === null || (Number.parseInt(parts[3]!, 16) & SAMPLED) === 0) return undefined
  return { traceId: parts[1]!, spanId: parts[2]! }
}

// PostgreSQL cuts an application_name off at 63 bytes: a blank, the trace in hexadecimal, for people who search for it, a dot, and the span in base64.
const SERVICE_CHARACTERS_MAX = 63 - 1 - 32 - 1 - 11
const MARKER = /^(\S*) ([\da-f]{32})\.([\w-]{11})$/

/** The `application_name` by which other processes find the trace of an open transaction: `inventory 4bf92f3577b34da6a3ce929d0e0e4736.APBnqgupArc`. */
export function markerOf({ traceId, spanId, service = '' }: TraceReference): string {
  // Stands in a literal, and beyond these characters PostgreSQL would change it.
  const name = service.replaceAll(/[^\w.:/@+-]/g, '_').slice(0, SERVICE_CHARACTERS_MAX)
  return `${name} ${traceId}.${Buffer.from(spanId, 'hex').toString('base64url')}`
}

/** What a marker says; undefined for any other `application_name`. */
export function referenceOf(applicationName: string): TraceReference | undefined {
  const parts = MARKER.exec(applicationName)
  if (parts === null) return undefined
  return {
    traceId: parts[2]!,
    spanId: Buffer.from(parts[3]!, 'base64url').toString('hex'),
    service: parts[1] === '' ? undefined : parts[1],
  }
}
