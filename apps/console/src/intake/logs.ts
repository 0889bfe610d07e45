import { type Clock, systemClock } from 'seaworthy/core'
import type { IngestQueue } from '../ingest-queue.ts'
import { checkLogs, hasMoreRecordsThan } from '../logs/check-logs.ts'
import { type LogRow, logRows } from '../logs/log-row.ts'
import { countLogRecords, decodeLogsRequest } from '../otlp/decode-protobuf.ts'
import { orMalformed } from './malformed.ts'
import { BUSY, type Refusal, type Signal, type Taken } from './signal.ts'

/** Records of a request. OpenTelemetry's SDKs send 512 at once. */
const RECORDS_MAX = 20_000
const TOO_MANY: Refusal = { kind: 'too-large', why: `More than ${RECORDS_MAX} log records at once. Send smaller batches.` }

/** Log records, by OTLP. */
export function logSignal(queue: Pick<IngestQueue<LogRow>, 'offer'>, clock: Clock = systemClock): Signal {
  return {
    httpPath: '/v1/logs',
    grpcPath: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
    rejectedName: 'rejectedLogRecords',
    take: ({ encoding, body }) =>
      orMalformed('The body is no OTLP logs request', () => {
        if (encoding === 'protobuf' && countLogRecords(body) > RECORDS_MAX) return TOO_MANY
        return storeLogs(encoding === 'protobuf' ? decodeLogsRequest(body) : JSON.parse(body.toString('utf8')), queue, clock)
      }),
  }
}

function storeLogs(value: unknown, queue: Pick<IngestQueue<LogRow>, 'offer'>, clock: Clock): Taken | Refusal {
  if (hasMoreRecordsThan(RECORDS_MAX, value)) return TOO_MANY
  const { resourceLogs, rejected, why = '' } = checkLogs(value)
  const rows = logRows(resourceLogs, clock.now())
  return rows.length === 0 || queue.offer(rows) ? { kind: 'taken', rejected, why } : BUSY
}
