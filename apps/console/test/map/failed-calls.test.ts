import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { ServiceMap } from '../../src/map/service-map.ts'
import { checkRequest } from '../../src/otlp/check.ts'
import { spanRows } from '../../src/otlp/rows.ts'
import { TraceStore } from '../../src/store/trace-store.ts'
import { otlpRequest } from '../checkout-trace.ts'

const START_MS = 1_795_438_250_000

/** A call as its two sides tell of it: by OpenTelemetry's conventions any 4xx, and any status but OK, is an error of the client's span. */
const called = (callee: string, answer: Readonly<Record<string, string | number>>) =>
  ({
    service: 'orders',
    name: `ask ${callee}`,
    kind: 'client',
    start: 0,
    end: 10,
    error: 'no success',
    attributes: { 'server.address': callee, ...answer },
    children: [{ service: callee, name: 'answer', kind: 'server', start: 1, end: 9, attributes: answer }],
  }) as const

const http = (status: number) => called(`http-${status}`, { 'http.response.status_code': status })
const grpc = (status: string | number) => called(`grpc-${status}`, { 'rpc.response.status_code': status })

const OWN_AFFAIRS = [
  ...[400, 401, 403, 404, 409, 410, 412, 422].map(http),
  ...['INVALID_ARGUMENT', 'NOT_FOUND', 'ALREADY_EXISTS', 'FAILED_PRECONDITION', 'OUT_OF_RANGE', 'PERMISSION_DENIED', 'UNAUTHENTICATED'].map(
    grpc,
  ),
  ...['CANCELLED', 5].map(grpc),
]
const FAILURES = [
  ...[408, 425, 429, 500, 502, 503, 504].map(http),
  ...['UNKNOWN', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'ABORTED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 14].map(
    grpc,
  ),
  // It failed on its way, whatever the answer's head said.
  http(200),
]

test('an answer that is the caller’s own affair is no failure of the edge, as it is seen and as it is read again after a start', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'failed-calls-'))
  const store = await TraceStore.open({ path: join(folder, 'traces.sqlite') })
  t.after(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  const clock = new VirtualClock({ nowMs: START_MS })
  const options = { traceId: '0af7651916cd43dd8448eb211c80319c', correlationId: 'c-1', startMs: START_MS }
  const rows = spanRows(checkRequest(otlpRequest([...OWN_AFFAIRS, ...FAILURES], options)))
  await store.write(rows)
  const expected = new Map([...OWN_AFFAIRS.map(({ name }) => [name, 0] as const), ...FAILURES.map(({ name }) => [name, 1] as const)])
  for (const spans of [rows, await store.callSpansSince(0, 1_000)]) {
    const map = new ServiceMap(clock)
    map.observe(spans)
    const errors = map.edges.edges(5).filter(({ caller }) => caller === 'service:orders')
    assert.deepEqual(new Map(errors.map(({ callee, errorCount }) => [callee.replace('service:', 'ask '), errorCount])), expected)
  }
})
