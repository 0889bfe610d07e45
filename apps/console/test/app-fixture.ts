import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext } from 'node:test'
import { createLogger } from '@seaworthy/telemetry/logger'
import type { FastifyInstance } from 'fastify'
import { NotFoundError, UnavailableError } from 'seaworthy/core'
import { createApp } from '../src/http/app.ts'
import { LiveUpdates } from '../src/http/live.ts'
import { IngestQueue } from '../src/ingest-queue.ts'
import { Admission } from '../src/intake/admission.ts'
import { logSignal } from '../src/intake/logs.ts'
import { traceSignal } from '../src/intake/traces.ts'
import type { LogRow } from '../src/logs/log-row.ts'
import { LogStore } from '../src/logs/log-store.ts'
import { ServiceMap } from '../src/map/service-map.ts'
import { TraceStore } from '../src/store/trace-store.ts'
import { LatencyWindow } from '../src/system/latency-window.ts'
import type { Resilience } from '../src/system/resilience.ts'
import type { Gateways } from '../src/system/gateways.ts'
import type { Sagas } from '../src/system/sagas.ts'
import { fakeResilience } from './resilience-fixture.ts'
import { fakeGateways } from './gateways-fixture.ts'
import { fakeSagas } from './sagas-fixture.ts'
import type { Messages } from '../src/system/messages.ts'
import { RunFileReader } from '../src/system/run-file.ts'

export const HEADERS = { host: '127.0.0.1:4000', 'content-type': 'application/json' }

export const NOBODY: Messages = {
  all: async () => [],
  deadLetter: () => Promise.reject(new NotFoundError('There is no dead letter.')),
  requeue: () => Promise.reject(new UnavailableError('orders cannot be asked: it is backing-off.')),
}

interface Fixture {
  readonly app: FastifyInstance
  /** The page's, in which there is nothing but its addresses. */
  readonly folder: string
  readonly labsDir: string
  readonly queue: IngestQueue
  readonly logs: LogStore
  readonly logQueue: IngestQueue<LogRow>
  readonly store: TraceStore
  readonly post: (body: unknown, headers?: Record<string, string>) => Promise<Answer>
  readonly get: (url: string, headers?: Record<string, string>) => Promise<Answer>
}

interface Answer {
  readonly status: number
  readonly json: Record<string, unknown>
  readonly text: string
  readonly headers: Record<string, unknown>
}

export async function fixture(
  t: TestContext,
  options: {
    spansMax?: number
    token?: string
    hostNames?: string[]
    messages?: Messages
    resilience?: Resilience
    sagas?: Sagas
    gateways?: Gateways
  } = {},
): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), 'console-'))
  const store = await TraceStore.open({ path: join(folder, 'traces.sqlite') })
  const map = new ServiceMap()
  const logs = await LogStore.open({ path: join(folder, 'logs.sqlite') })
  const logQueue = new IngestQueue<LogRow>({ store: logs, onStored: () => undefined, onError: (error) => assert.fail(String(error)) })
  const queue = new IngestQueue({
    store: { write: (rows) => store.write(rows, map.observe(rows)) },
    onStored: () => undefined,
    onError: (error) => assert.fail(String(error)),
    ...(options.spansMax !== undefined && { spansMax: options.spansMax }),
  })
  const pageFolder = join(folder, 'page')
  mkdirSync(pageFolder)
  writeFileSync(join(pageFolder, 'addresses.json'), JSON.stringify(['/', '/system']))
  const labsDir = join(folder, 'labs')
  const app = createApp({
    store,
    queue,
    map,
    logs,
    logQueue,
    signals: [traceSignal(queue), logSignal(logQueue)],
    admission: new Admission(),
    labsDir,
    live: new LiveUpdates(),
    runFile: new RunFileReader(undefined),
    messages: options.messages ?? NOBODY,
    resilience: options.resilience ?? fakeResilience([]).resilience,
    sagas: options.sagas ?? fakeSagas([]).sagas,
    gateways: options.gateways ?? fakeGateways([]).gateways,
    figures: new LatencyWindow(),
    logger: createLogger({ service: 'console', instance: 'console-1', level: 'silent' }),
    hostNames: options.hostNames ?? [],
    token: options.token,
    isReady: () => true,
    pageFolder,
  })
  t.after(async () => {
    await queue.drain()
    await app.close()
    await logQueue.drain()
    await store.close()
    await logs.close()
    rmSync(folder, { recursive: true })
  })
  // One object: an outline has one in each line.
  const parse = (text: string) => (text.startsWith('{') && !text.endsWith('\n') ? (JSON.parse(text) as Record<string, unknown>) : {})
  return {
    app,
    folder: pageFolder,
    labsDir,
    queue,
    logs,
    logQueue,
    store,
    async post(body, headers = {}) {
      const payload = Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body)
      const response = await app.inject({ method: 'POST', url: '/v1/traces', headers: { ...HEADERS, ...headers }, payload })
      await queue.drain()
      return { status: response.statusCode, json: parse(response.body), text: response.body, headers: response.headers }
    },
    async get(url, headers = {}) {
      const response = await app.inject({ method: 'GET', url, headers: { host: HEADERS.host, ...headers } })
      return { status: response.statusCode, json: parse(response.body), text: response.body, headers: response.headers }
    },
  }
}
