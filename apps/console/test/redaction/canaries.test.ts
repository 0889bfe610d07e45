import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { Client, Metadata, type ServiceError, credentials } from '@grpc/grpc-js'
import { createLogger } from '@seaworthy/telemetry/logger'
import { accessBy } from '../../src/access.ts'
import { startOtlpServer } from '../../src/grpc/otlp-server.ts'
import { Admission } from '../../src/intake/admission.ts'
import { logSignal } from '../../src/intake/logs.ts'
import { traceSignal } from '../../src/intake/traces.ts'
import { LogFolder } from '../../src/logs/log-folder.ts'
import type { KeyValue } from '../../src/otlp/model.ts'
import { HEADERS, fixture } from '../app-fixture.ts'
import { type Canary, canaries } from './canaries.ts'
import { logsRequest, traceRequest } from './otlp-protobuf.ts'

const START_NANOS = '1795438250000000000'
const START_US = 1_795_438_250_000_000
const traceId = (number: number) => number.toString(16).padStart(32, 'd')
const spanId = (index: number) => (index + 1).toString(16).padStart(16, '0')

const otlpTraces = (planted: readonly Canary[], number: number) => ({
  resourceSpans: planted.map(({ name, attributes, event, statusMessage, resource }, index) => ({
    resource: { attributes: resource },
    scopeSpans: [
      {
        spans: [
          {
            traceId: traceId(number),
            spanId: spanId(index),
            name,
            startTimeUnixNano: START_NANOS,
            endTimeUnixNano: START_NANOS,
            attributes,
            events: [event],
            links: [{ traceId: traceId(number), spanId: spanId(index), attributes }],
            status: { code: 2, message: statusMessage },
            // A field of a later version.
            notes: [{ key: 'later', value: { stringValue: statusMessage } }, statusMessage],
          },
        ],
      },
    ],
  })),
})
const otlpLogs = (planted: readonly Canary[]) => ({
  resourceLogs: planted.map(({ body, attributes, event, resource }) => ({
    resource: { attributes: resource },
    scopeLogs: [
      {
        logRecords: [
          { timeUnixNano: START_NANOS, body: { stringValue: body }, attributes: [...attributes, ...event.attributes] },
          { timeUnixNano: START_NANOS, body: { kvlistValue: { values: attributes } }, attributes: [] },
        ],
      },
    ],
  })),
})
const textOf = ({ value }: KeyValue) => value?.stringValue ?? JSON.stringify(value)
const zipkin = (planted: readonly Canary[], number: number) =>
  planted.map(({ name, attributes, event }, index) => ({
    traceId: traceId(number),
    id: spanId(index),
    name,
    timestamp: START_US,
    duration: 10,
    localEndpoint: { serviceName: 'zipkin' },
    tags: Object.fromEntries(
      [...attributes, ...event.attributes].filter(({ value }) => value?.stringValue !== undefined).map((each) => [each.key, textOf(each)]),
    ),
    annotations: [{ timestamp: START_US, value: event.name }],
  }))
const jaeger = (planted: readonly Canary[], number: number) => ({
  data: [
    {
      traceID: traceId(number),
      processes: { p1: { serviceName: 'jaeger', tags: [] } },
      spans: planted.map(({ name, attributes, event }, index) => {
        const tags = (list: readonly KeyValue[]) =>
          list
            .filter(({ value }) => value?.stringValue !== undefined)
            .map((each) => ({ key: each.key, type: 'string', value: textOf(each) }))
        return {
          traceID: traceId(number),
          spanID: spanId(index),
          operationName: name,
          processID: 'p1',
          startTime: START_US,
          duration: 10,
          tags: tags(attributes),
          logs: [{ timestamp: START_US, fields: [{ key: 'event', type: 'string', value: event.name }, ...tags(event.attributes)] }],
        }
      }),
    },
  ],
})

/** As it is, without the first letters, and in base64, in which a text begins at one of three places. */
function formsOf(secret: string): readonly string[] {
  const encoded = [0, 1, 2].map((before) =>
    Buffer.from(`${'x'.repeat(before)}${secret}`)
      .toString('base64')
      .slice(before + 1, -4),
  )
  return [secret.slice(3), ...encoded]
}

test('of secrets in headers, addresses, SQL, baggage, log fields and exceptions, sent in every way there is, none is stored', async (t) => {
  const { app, store, queue, logs, logQueue, folder: page } = await fixture(t)
  const folder = dirname(page)
  const post = async (url: string, payload: object | Buffer, contentType = 'application/json'): Promise<void> => {
    const answer = await app.inject({ method: 'POST', url, headers: { ...HEADERS, 'content-type': contentType }, payload })
    assert.ok(answer.statusCode < 300, `${url}: ${answer.statusCode} ${answer.body}`)
  }
  const server = await startOtlpServer({
    port: 0,
    host: '127.0.0.1',
    signals: [traceSignal(queue), logSignal(logQueue)],
    admission: new Admission(),
    isAllowed: accessBy(undefined),
    logger: createLogger({ service: 'console', instance: 'console-1', level: 'silent' }),
  })
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure())
  t.after(async () => {
    client.close()
    await server.close()
  })
  const call = (path: string, body: Buffer): Promise<void> => {
    const bytes = (value: Buffer): Buffer => value
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, bytes, bytes, body, new Metadata(), (error: ServiceError | null) =>
        error === null ? resolve() : reject(error),
      )
    })
  }
  const printed = join(folder, 'printed')
  mkdirSync(printed)

  const ways: Readonly<Record<string, (planted: readonly Canary[]) => Promise<void>>> = {
    'traces as JSON': (planted) => post('/v1/traces', otlpTraces(planted, 1)),
    'traces in protobuf': (planted) => post('/v1/traces', traceRequest(planted, traceId(2)), 'application/x-protobuf'),
    'traces over gRPC': (planted) => call('/opentelemetry.proto.collector.trace.v1.TraceService/Export', traceRequest(planted, traceId(3))),
    'a file of OTLP': (planted) => post('/api/import', otlpTraces(planted, 4)),
    'spans of Zipkin': (planted) => post('/api/v2/spans', zipkin(planted, 5)),
    'a file of Jaeger': (planted) => post('/api/import', jaeger(planted, 6)),
    'logs as JSON': (planted) => post('/v1/logs', otlpLogs(planted)),
    'logs in protobuf': (planted) => post('/v1/logs', logsRequest(planted), 'application/x-protobuf'),
    'logs over gRPC': (planted) => call('/opentelemetry.proto.collector.logs.v1.LogsService/Export', logsRequest(planted)),
    'printed lines': async (planted) => {
      const lines = planted.flatMap(({ body, fields, marker }) => [
        JSON.stringify({ level: 30, msg: body, ...fields }),
        `${body} plain ${marker}`,
      ])
      writeFileSync(join(printed, 'orders.log'), `${lines.join('\n')}\n`)
      const reader = new LogFolder({ folder: printed, store: logs })
      while (await reader.read());
    },
  }
  const planted = Object.keys(ways).flatMap((way) => canaries(way))
  assert.ok(planted.length >= 200, `${planted.length} canaries`)
  assert.equal(new Set(planted.map(({ secret }) => secret)).size, planted.length)
  for (const [way, send] of Object.entries(ways)) await send(canaries(way))
  await queue.drain()
  await logQueue.drain()

  const files = readdirSync(folder).filter((name) => /\.sqlite(?:-wal)?$/.test(name))
  assert.deepEqual(files.toSorted(), ['logs.sqlite', 'logs.sqlite-wal', 'traces.sqlite', 'traces.sqlite-wal'])
  const bytes = files.map((name) => readFileSync(join(folder, name), 'latin1')).join('\n')
  const missing = planted.filter(({ marker }) => !bytes.includes(marker)).map(({ place }) => place)
  assert.deepEqual(missing, [], 'what was not stored at all proves nothing')
  // An index may leave out the first letters that a word has in common with the one before it.
  const found = planted.filter(({ secret }) => formsOf(secret).some((form) => bytes.includes(form))).map(({ place }) => place)
  assert.deepEqual(found, [])
  for (const { secret, place } of planted) assert.equal((await logs.list({ limit: 1, text: secret })).length, 0, place)
  assert.ok(store.counts.spans >= planted.length * 0.5, `${store.counts.spans} spans`)
})
