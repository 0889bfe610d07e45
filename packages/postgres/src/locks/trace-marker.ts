import type { SpanReference } from 'seaworthy/core'

/** A span, and the service that it is of. */
export interface TraceReference extends SpanReference {
  readonly service: string | undefined
}

// PostgreSQL cuts an application_name off at 63 bytes: a blank, the trace in hexadecimal, for people who search for it, a dot, and the span in base64.
const SERVICE_CHARACTERS_MAX = 63 - 1 - 32 - 1 - 11
const MARKER = /^(\S*) ([\da-f]{32})\.([\w-]{11})$/

// A process is of one service.
let lastService = ''
let lastName = ''

/** The `application_name` by which other processes find the trace of an open transaction: `inventory 4bf92f3577b34da6a3ce929d0e0e4736.APBnqgupArc`. */
export function markerOf({ traceId, spanId, service = '' }: TraceReference): string {
  if (service !== lastService) {
    lastService = service
    // Stands in a literal, and beyond these characters PostgreSQL would change it.
    lastName = service.replaceAll(/[^\w.:/@+-]/g, '_').slice(0, SERVICE_CHARACTERS_MAX)
  }
  return `${lastName} ${traceId}.${Buffer.from(spanId, 'hex').toString('base64url')}`
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
