import type { Span } from '../../src/otlp/read-trace.ts'

/** A span of a test, in milliseconds. */
export function span(spanId: string, parentSpanId: string | undefined, startMs: number, endMs: number, fields: Partial<Span> = {}): Span {
  return {
    spanId,
    parentSpanId,
    name: spanId,
    kind: 'internal',
    service: 'orders',
    instance: undefined,
    startUs: startMs * 1_000,
    endUs: endMs * 1_000,
    outcome: fields.error === undefined ? 'ok' : 'failed',
    error: undefined,
    attributes: [],
    events: [],
    isAsynchronous: fields.kind === 'consumer',
    ...fields,
  }
}
