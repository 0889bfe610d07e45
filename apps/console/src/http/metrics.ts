import { prometheus } from '@seaworthy/telemetry/prometheus'
import type { FastifyInstance } from 'fastify'
import type { IngestQueue } from '../ingest-queue.ts'
import type { Admission } from '../intake/admission.ts'
import type { LogRow } from '../logs/log-row.ts'
import type { LogStore } from '../logs/log-store.ts'
import type { TraceStore } from '../store/trace-store.ts'

export interface MetricsParts {
  readonly queue: Pick<IngestQueue, 'status'>
  readonly store: Pick<TraceStore, 'counts' | 'trimmed'>
  readonly logs: Pick<LogStore, 'records' | 'trimmed'>
  readonly logQueue: Pick<IngestQueue<LogRow>, 'status'>
  readonly admission: Pick<Admission, 'refused'>
}

interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly samples: readonly (readonly [labels: string, value: number])[]
}

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** `GET /metrics`: what the console took, what it could not keep and why, and what its process uses, in Prometheus' text format. Names of labels and their values are ours, and need no escapes. */
export function registerMetrics(app: FastifyInstance, parts: MetricsParts): void {
  const ofProcess = prometheus({ operations: false })
  app.addHook('onClose', async () => ofProcess[Symbol.dispose]())
  app.get('/metrics', (_request, reply) =>
    reply
      .type(CONTENT_TYPE)
      .header('cache-control', 'no-store')
      .send(exposition(families(parts)) + ofProcess.text()),
  )
}

function families({ queue, store, logs, logQueue, admission }: MetricsParts): readonly Family[] {
  const { received, stored, dropped, refused, queued } = queue.status
  const { traces, spans, kept } = store.counts
  const { size, age } = store.trimmed
  const counter = (name: string, help: string, ...samples: Family['samples'][number][]): Family => ({
    name,
    type: 'counter',
    help,
    samples,
  })
  const gauge = (name: string, help: string, ...samples: Family['samples'][number][]): Family => ({ name, type: 'gauge', help, samples })
  return [
    counter('seaworthy_console_spans_received_total', 'Spans that were taken.', ['', received]),
    counter('seaworthy_console_spans_stored_total', 'Spans that were stored. One that came twice counts once.', ['', stored]),
    counter('seaworthy_console_spans_dropped_total', 'Spans taken and lost: the store failed, or their trace was full.', ['', dropped]),
    counter('seaworthy_console_spans_refused_total', 'Spans turned away while the queue was full; their senders try again.', ['', refused]),
    counter('seaworthy_console_requests_refused_total', 'Requests turned away unread, because too many came at once.', [
      '',
      admission.refused,
    ]),
    counter(
      'seaworthy_console_traces_deleted_total',
      'Traces deleted to keep within the limits.',
      ['{why="size"}', size.traces],
      ['{why="age"}', age.traces],
    ),
    counter(
      'seaworthy_console_spans_deleted_total',
      'Spans deleted to keep within the limits.',
      ['{why="size"}', size.spans],
      ['{why="age"}', age.spans],
    ),
    counter('seaworthy_console_log_records_received_total', 'Log records that were taken by OTLP.', ['', logQueue.status.received]),
    counter('seaworthy_console_log_records_dropped_total', 'Log records taken and lost, because the store failed.', [
      '',
      logQueue.status.dropped,
    ]),
    counter('seaworthy_console_log_records_refused_total', 'Log records turned away while the queue was full; their senders try again.', [
      '',
      logQueue.status.refused,
    ]),
    counter(
      'seaworthy_console_log_records_deleted_total',
      'Log records deleted to keep within the limits.',
      ['{why="size"}', logs.trimmed.size],
      ['{why="age"}', logs.trimmed.age],
    ),
    gauge('seaworthy_console_log_records', 'Log records that are stored.', ['', logs.records]),
    gauge('seaworthy_console_spans_queued', 'Spans that wait to be stored.', ['', queued]),
    gauge('seaworthy_console_spans', 'Spans that are stored.', ['', spans]),
    gauge('seaworthy_console_traces', 'Traces that are stored.', ['{class="ordinary"}', traces - kept], ['{class="slow-or-failed"}', kept]),
  ]
}

function exposition(families: readonly Family[]): string {
  return families
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(([labels, value]) => `${name}${labels} ${value}\n`)
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
    })
    .join('')
}
