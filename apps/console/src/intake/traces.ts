import type { IngestQueue } from '../ingest-queue.ts'
import { type CheckedRequest, checkRequest, hasMoreSpansThan } from '../otlp/check.ts'
import { countSpans, decodeTraceRequest } from '../otlp/decode-protobuf.ts'
import { spanRows } from '../otlp/rows.ts'
import { orMalformed } from './malformed.ts'
import { BUSY, type Refusal, type Signal } from './signal.ts'

/** Spans of a request: what one takes of the event loop, however few bytes they are. OpenTelemetry's SDKs send 512 at once. */
export const SPANS_MAX = 20_000
export const TOO_MANY: Refusal = { kind: 'too-large', why: `More than ${SPANS_MAX} spans at once. Send smaller batches.` }

/** Spans, by OTLP. */
export function traceSignal(queue: Pick<IngestQueue, 'offer'>): Signal {
  return {
    httpPath: '/v1/traces',
    grpcPath: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    rejectedName: 'rejectedSpans',
    take: ({ encoding, body }) =>
      orMalformed('The body is no OTLP trace request', () => {
        // Counted before they are taken apart.
        if (encoding === 'protobuf' && countSpans(body) > SPANS_MAX) return TOO_MANY
        const stored = storeTraces(encoding === 'protobuf' ? decodeTraceRequest(body) : JSON.parse(body.toString('utf8')), queue)
        return 'kind' in stored ? stored : { kind: 'taken', rejected: stored.rejected, why: stored.why ?? '' }
      }),
  }
}

/** Takes an object of OTLP's JSON form apart and offers its spans to the queue. @throws TypeError, RangeError for what is none */
export function storeTraces(value: unknown, queue: Pick<IngestQueue, 'offer'>): CheckedRequest | Refusal {
  if (hasMoreSpansThan(SPANS_MAX, value)) return TOO_MANY
  const checked = checkRequest(value)
  const rows = spanRows(checked)
  return rows.length === 0 || queue.offer(rows) ? checked : BUSY
}
