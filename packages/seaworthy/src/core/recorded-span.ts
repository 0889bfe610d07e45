import { currentContext, traceHeaders } from './call-context.ts'

/** A span of some trace. */
export interface SpanReference {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
}

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/
const SAMPLED = 1
const NO_CONTEXT = { correlationId: '' }

/** The span in progress, if it is recorded (W3C Trace Context, section 3.2.2.5.1). */
export function recordedSpan(): SpanReference | undefined {
  const { traceparent } = traceHeaders(currentContext() ?? NO_CONTEXT)
  const parts = traceparent === undefined ? null : TRACEPARENT.exec(traceparent)
  if (parts === null || (Number.parseInt(parts[3]!, 16) & SAMPLED) === 0) return undefined
  return { traceId: parts[1]!, spanId: parts[2]! }
}
