import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { IngestQueue } from '../../../apps/console/src/ingest-queue.ts'
import { traceSignal } from '../../../apps/console/src/intake/traces.ts'
import { ServiceMap } from '../../../apps/console/src/map/service-map.ts'
import type { SpanRow } from '../../../apps/console/src/otlp/rows.ts'
import { TraceStore } from '../../../apps/console/src/store/trace-store.ts'
import type { Contender, Metric } from '../../harness/suite.ts'
import { Request, SPANS_PER_REQUEST, traceRequest } from './spans.ts'

const module = import.meta.url
const requestsOf = ({ quick }: { quick: boolean }): number => (quick ? 10 : 30)

/** A folder that goes with this process. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'seaworthy-bench-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Spans per second of processor time, of all threads. `take` settles when they are stored. */
async function rate(requests: readonly Buffer[], take: (body: Buffer) => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  for (const body of requests) await take(body)
  const { user, system } = process.cpuUsage(before)
  return (requests.length * SPANS_PER_REQUEST) / ((user + system) / 1e6)
}

let sent = 0
const next = (count: number): Buffer[] => Array.from({ length: count }, () => traceRequest(sent++))

/** All that the console does with a request: decode, check, take secrets out, match calls for the map, store with its indexes, keep within limits. */
export const consoleIngest: Contender = async (effort) => {
  const store = await TraceStore.open({ path: join(folder(), 'traces.sqlite'), tracesMax: 1_000_000 })
  const map = new ServiceMap()
  const storing = {
    write: (rows: readonly SpanRow[]) => store.write(rows, map.observe(rows)),
    isFull: () => store.isFull(),
    prune: () => store.prune(),
  }
  const failed = (error: unknown): never => {
    throw error
  }
  const queue = new IngestQueue({ store: storing, onStored: () => undefined, onError: failed })
  const signal = traceSignal(queue)
  const take = async (body: Buffer): Promise<void> => {
    const taken = signal.take({ encoding: 'protobuf', body })
    if (taken.kind !== 'taken' || taken.rejected > 0) throw new Error(`Not all was taken: ${taken.why}`)
    await queue.drain()
  }
  return async () => {
    const requests = next(requestsOf(effort))
    const stored = store.counts.spans
    const perSecond = await rate(requests, take)
    if (store.counts.spans - stored !== requests.length * SPANS_PER_REQUEST) throw new Error('Not every span was stored.')
    return perSecond
  }
}

interface Decoded {
  readonly resource_spans: readonly {
    readonly resource: { readonly attributes: readonly { readonly value: { readonly string_value: string } }[] }
    readonly scope_spans: readonly { readonly spans: readonly DecodedSpan[] }[]
  }[]
}

interface DecodedSpan {
  readonly trace_id: Buffer
  readonly span_id: Buffer
  /** An empty list where there is none. */
  readonly parent_span_id: Buffer | readonly []
  readonly name: string
  readonly kind: number
  readonly start_time_unix_nano: { toString(): string }
  readonly end_time_unix_nano: { toString(): string }
  readonly attributes: readonly object[]
}

/** protobufjs and one row for each span, with its attributes as JSON, in a transaction for each request: no check, no redaction, no index but the key. */
export const bareInsert: Contender = async (effort) => {
  const database = new DatabaseSync(join(folder(), 'bare.sqlite'))
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE span (trace_id TEXT, span_id TEXT, parent TEXT, service TEXT, name TEXT, kind INT, start_us INT, end_us INT, body TEXT,
      PRIMARY KEY (trace_id, span_id)) STRICT`)
  const insert = database.prepare('INSERT INTO span VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const us = (nanos: { toString(): string }): number => Number(nanos.toString().slice(0, -3))
  const take = async (body: Buffer): Promise<void> => {
    const { resource_spans } = Request.decode(body) as unknown as Decoded
    database.exec('BEGIN')
    for (const { resource, scope_spans } of resource_spans) {
      const service = resource.attributes[0]!.value.string_value
      for (const { spans } of scope_spans) {
        for (const { trace_id, span_id, parent_span_id, name, kind, start_time_unix_nano, end_time_unix_nano, attributes } of spans) {
          const parent = Buffer.isBuffer(parent_span_id) ? parent_span_id.toString('hex') : null
          const times = [us(start_time_unix_nano), us(end_time_unix_nano)]
          insert.run(trace_id.toString('hex'), span_id.toString('hex'), parent, service, name, kind, ...times, JSON.stringify(attributes))
        }
      }
    }
    database.exec('COMMIT')
  }
  return () => rate(next(requestsOf(effort)), take)
}

export const ingestMetrics: readonly Metric[] = [
  {
    name: 'ingest',
    unit: 'spans per second of processor time',
    better: 'higher',
    peer: 'protobufjs decode and SQLite insert, a row a span',
    target: { ratioMin: 0.5 },
    note: 'OTLP in protobuf, 500 spans a request. Ours checks each span, takes secrets out, sums its trace up, matches calls for the map and keeps within its limits; the peer does nothing of it.',
    contenders: { ours: { module, name: 'consoleIngest' }, peer: { module, name: 'bareInsert' } },
  },
]
