import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { bytesField, varintField } from '../../src/otlp/protobuf-writer.ts'
import { HEADERS, fixture } from '../app-fixture.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const record = (more: object) => ({ timeUnixNano: '1795438250000000001', severityNumber: 9, body: { stringValue: 'done' }, ...more })
const request = (...logRecords: object[]) => ({
  resourceLogs: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'orders' } }] },
      scopeLogs: [{ scope: { name: 'lib' }, logRecords }],
    },
  ],
})

test('log records that come as JSON are listed with their level, ids and fields', async (t) => {
  const { app, logQueue, get } = await fixture(t)
  const payload = request(
    record({
      traceId: TRACE_ID,
      spanId: '00f067aa0ba902b7',
      attributes: [{ key: 'seaworthy.correlation_id', value: { stringValue: 'c-1' } }],
    }),
    record({ severityNumber: 'SEVERITY_NUMBER_ERROR', body: { kvlistValue: { values: [{ key: 'n', value: { intValue: '5' } }] } } }),
    record({ traceId: 'short' }),
  )
  const posted = await app.inject({ method: 'POST', url: '/v1/logs', headers: HEADERS, payload })
  const why = 'traceId is not 32 hexadecimal digits'
  assert.deepEqual(posted.json(), { partialSuccess: { rejectedLogRecords: 1, errorMessage: why } })
  await logQueue.drain()
  const { logs } = (await get('/api/logs')).json as { logs: Record<string, unknown>[] }
  assert.partialDeepStrictEqual(logs, [
    { level: 'error', service: 'orders', message: '', fields: { scope: 'lib', body: { n: 5 } } },
    {
      time: '2026-11-23T12:50:50.000Z',
      level: 'info',
      message: 'done',
      traceId: TRACE_ID,
      spanId: '00f067aa0ba902b7',
      correlationId: 'c-1',
    },
  ])
  for (const query of ['q=done', 'level=info', `traceId=${TRACE_ID.toUpperCase()}`, 'correlationId=c-1', 'service=orders'])
    assert.ok(((await get(`/api/logs?${query}`)).json['logs'] as unknown[]).length > 0, query)
  for (const query of ['level=loud', 'before=x', 'limit=0']) assert.equal((await get(`/api/logs?${query}`)).status, 400, query)
})

test('log records in protobuf are the same', async (t) => {
  const { app, logQueue, get } = await fixture(t)
  const time = Buffer.alloc(9)
  time[0] = 9
  time.writeBigUInt64LE(1_795_438_250_000_000_001n, 1)
  const text = (field: number, value: string) => bytesField(field, Buffer.from(value))
  const proto = Buffer.concat([
    time,
    varintField(2, 13),
    bytesField(5, text(1, 'a warning')),
    bytesField(6, Buffer.concat([text(1, 'n'), bytesField(2, varintField(3, 5))])),
    bytesField(9, Buffer.from(TRACE_ID, 'hex')),
    text(12, 'an.event'),
  ])
  const payload = bytesField(1, bytesField(2, bytesField(2, proto)))
  const headers = { ...HEADERS, 'content-type': 'application/x-protobuf' }
  const posted = await app.inject({ method: 'POST', url: '/v1/logs', headers, payload })
  assert.deepEqual([posted.statusCode, posted.rawPayload.length], [200, 0])
  await logQueue.drain()
  const { logs } = (await get('/api/logs')).json as { logs: Record<string, unknown>[] }
  assert.partialDeepStrictEqual(logs, [{ level: 'warn', message: 'a warning', traceId: TRACE_ID, fields: { n: 5, eventName: 'an.event' } }])
})

test('metrics are said to be unsupported', async (t) => {
  const { app } = await fixture(t)
  const answer = await app.inject({ method: 'POST', url: '/v1/metrics', headers: HEADERS, payload: { resourceMetrics: [] } })
  assert.equal(answer.statusCode, 501)
  assert.match(answer.json<{ detail: string }>().detail, /keeps no metrics/)
})

const folder = process.env['SEAWORTHY_SHARED_TRACES'] ?? fileURLToPath(new URL('../../../../../shared/traces', import.meta.url))
const skip = existsSync(folder) ? false : `The public files are not in ${folder}. Set SEAWORTHY_SHARED_TRACES to their folder.`

test('the logs and events that OpenTelemetry shows as examples are taken whole', { skip }, async (t) => {
  const { app, logQueue, get } = await fixture(t)
  for (const name of ['logs.json', 'events.json']) {
    const payload = readFileSync(join(folder, 'otlp', name), 'utf8')
    const posted = await app.inject({ method: 'POST', url: '/v1/logs', headers: HEADERS, payload })
    assert.deepEqual([posted.statusCode, posted.json()], [200, { partialSuccess: {} }], name)
  }
  await logQueue.drain()
  const { logs } = (await get('/api/logs')).json as { logs: { message: string; fields: Record<string, unknown> }[] }
  assert.ok(logs.some(({ message }) => message === 'Example log record'))
  assert.ok(logs.some(({ fields }) => fields['eventName'] === 'browser.page_view'))
})
