import { context, trace } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { DestinationStream } from 'pino'
import type { Clock } from 'seaworthy/core'
import type { Way } from './destinations.ts'
import { ExportQueue, type ExportStatus, type ExportTrouble, type Transport } from './export-queue.ts'
import { type PrintedLine, logRecord } from './log-records.ts'
import type { ReadableLogRecord } from './otlp/items.ts'

/** Characters of lines that wait for a collector that is away, for each destination: a line may hold a whole stack with its causes. */
const QUEUE_CHARACTERS_MAX = 8 << 20
/** Of a request. Collectors take some megabytes. */
const BATCH_CHARACTERS_MAX = 1 << 20

export interface LogExportOptions {
  readonly ways: readonly Way<ReadableLogRecord>[]
  readonly resource: Resource
  readonly clock: Clock
  /** Where lines are printed as well. */
  readonly printed: DestinationStream
  /** Told of trouble. What it logs must not come here again: a collector that refuses would be told of each refusal. */
  readonly onTrouble: (to: string, trouble: ExportTrouble) => void
}

/**
 * Log lines on their way out: each is printed, and the same text goes to every destination, so that nothing leaves that was not redacted. Whoever logs pays for the
 * printing and for a place in a queue; lines are taken apart when their batch leaves.
 */
export class LogExport implements DestinationStream {
  readonly #printed: DestinationStream
  readonly #queues: readonly ExportQueue<PrintedLine>[]

  constructor({ ways, resource, clock, printed, onTrouble }: LogExportOptions) {
    this.#printed = printed
    this.#queues = ways.map(
      ({ to, transport }) =>
        new ExportQueue<PrintedLine>({
          transport: recordsOf(transport, resource),
          clock,
          size: { of: ({ text }) => text.length, queueMax: QUEUE_CHARACTERS_MAX, batchMax: BATCH_CHARACTERS_MAX },
          onTrouble: (trouble) => onTrouble(to, trouble),
        }),
    )
  }

  get statuses(): readonly ExportStatus[] {
    return this.#queues.map(({ status }) => status)
  }

  write(text: string): void {
    this.#printed.write(text)
    const line = { text, traceFlags: trace.getSpanContext(context.active())?.traceFlags ?? 0 }
    for (const queue of this.#queues) queue.add(line)
  }

  /** Pino asks for it before a process dies. */
  flushSync(): void {
    if ('flushSync' in this.#printed && typeof this.#printed.flushSync === 'function') this.#printed.flushSync()
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.shutdown()))
  }
}

function recordsOf(transport: Transport<ReadableLogRecord>, resource: Resource): Transport<PrintedLine> {
  return {
    prepare: async () => transport.prepare?.(),
    send: (lines, signal) =>
      transport.send(
        lines.map((line) => logRecord(line, resource)),
        signal,
      ),
    close: () => transport.close(),
  }
}
