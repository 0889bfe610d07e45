import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { openSqliteDatabase } from 'seaworthy/sqlite'
import { checkRequest } from '../../src/otlp/check.ts'
import { spanRows } from '../../src/otlp/rows.ts'
import { TraceStore, type TraceStoreOptions } from '../../src/store/trace-store.ts'
import { otlpRequest } from '../checkout-trace.ts'

const START_MS = 1_795_438_250_000
const traceId = (number: number) => (0xabc000 + number).toString(16).padStart(32, 'f')

function file(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'trace-store-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'traces.sqlite')
}

async function open(t: TestContext, options: Partial<TraceStoreOptions> & { path?: string } = {}): Promise<TraceStore> {
  const store = await TraceStore.open({ path: options.path ?? file(t), ...options })
  t.after(() => store.close())
  return store
}

/** A trace of `count` spans that began `number` seconds after the first. */
const rows = (number: number, count = 2) =>
  spanRows(
    checkRequest(
      otlpRequest(
        [
          {
            service: 'gateway',
            name: `request ${number}`,
            kind: 'server',
            start: 0,
            end: 10,
            children: Array.from(
              { length: count - 1 },
              () => ({ service: 'orders', name: 'work', kind: 'internal', start: 1, end: 2 }) as const,
            ),
          },
        ],
        { traceId: traceId(number), correlationId: `c-${number}`, startMs: START_MS + number * 1_000 },
      ),
    ),
  )

test('what was stored is there after the store was opened again', async (t) => {
  const path = file(t)
  const first = await TraceStore.open({ path })
  await first.write(rows(1))
  await first.close()
  const second = await open(t, { path })
  assert.deepEqual(second.counts, { traces: 1, spans: 2, kept: 0 })
  assert.equal((await second.list({ limit: 10 })).length, 1)
  assert.notEqual(await second.trace(traceId(1)), undefined)
})

test('the oldest traces are deleted beyond the limit of traces, with everything that belongs to them', async (t) => {
  const store = await open(t, { tracesMax: 3 })
  for (let number = 0; number < 8; number++) await store.write(rows(number))
  while (await store.prune());
  const kept = await store.list({ limit: 10 })
  assert.deepEqual(
    kept.map((trace) => trace.root.name),
    ['request 7', 'request 6', 'request 5'],
  )
  assert.deepEqual(store.counts, { traces: 3, spans: 6, kept: 0 })
  assert.equal(await store.trace(traceId(0)), undefined)
  assert.deepEqual(await store.list({ limit: 10, correlationId: 'c-0' }), [])
})

test('a process and its library are stored once for all of their traces, and go with the last of them', async (t) => {
  const path = file(t)
  const store = await TraceStore.open({ path, tracesMax: 3 })
  for (let number = 0; number < 8; number++) await store.write(rows(number))
  // Of another process, and not stored because the span is there: nothing may be left of it.
  const [repeated] = rows(7)
  await store.write([{ ...repeated!, origin: { ...repeated!.origin, key: 'other' } }])
  while (await store.prune());
  await store.close()
  const database = await openSqliteDatabase({ path })
  const origins = async () =>
    (await database.query<{ service: string }>({ sql: 'SELECT service FROM origin ORDER BY service' })).map(({ service }) => service)
  assert.deepEqual(await origins(), ['gateway', 'orders'])
  await database.close()

  const again = await TraceStore.open({ path, tracesMax: 0 })
  while (await again.prune());
  await again.close()
  const empty = await openSqliteDatabase({ path })
  const tables = await empty.query<{ name: string }>({
    sql: `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'seaworthy%'`,
  })
  assert.ok(tables.length >= 7)
  for (const { name } of tables) assert.deepEqual([name, ...(await empty.query({ sql: `SELECT 1 FROM ${name}` }))], [name])
  await empty.close()
})

test('the limit of bytes holds too, and pages of deleted traces are used again', async (t) => {
  const path = file(t)
  const bytesMax = 400_000
  const store = await open(t, { path, bytesMax })
  for (let number = 0; number < 600; number++) {
    await store.write(rows(number, 10))
    if (number % 50 === 49) while (await store.prune());
  }
  assert.ok(store.counts.traces < 600 && store.counts.traces > 10, `${store.counts.traces} traces`)
  assert.equal((await store.list({ limit: 1 }))[0]!.root.name, 'request 599')
  // Between two prunings fifty traces come: less than as much again.
  await store.close()
  assert.ok(statSync(path).size < 2.5 * bytesMax, `${statSync(path).size} bytes`)
})

test('a trace is deleted when no span of it came for the given time', async (t) => {
  const clock = new VirtualClock({ nowMs: START_MS })
  const store = await open(t, { ageMaxMs: 60_000, clock })
  await store.write(rows(1))
  await store.write(rows(2, 2).slice(0, 1))
  await clock.advance(50_000)
  await store.write(rows(2, 2))
  await clock.advance(20_000)
  while (await store.prune());
  assert.deepEqual(
    (await store.list({ limit: 10 })).map((trace) => trace.root.name),
    ['request 2'],
  )
})

test('a trace that grows without end stops at its limit, and the rest is counted', async (t) => {
  const store = await open(t, { spansPerTraceMax: 10 })
  assert.deepEqual(await store.write(rows(1, 8)), { stored: 8, dropped: 0 })
  assert.deepEqual(await store.write(rows(1, 25)), { stored: 2, dropped: 15 })
  assert.deepEqual(await store.write(rows(2, 3)), { stored: 3, dropped: 0 })
  assert.deepEqual(store.counts, { traces: 2, spans: 13, kept: 0 })
})

test('spans by which work entered a service are found for the figures of the last minutes', async (t) => {
  const store = await open(t)
  await store.write(rows(1))
  assert.deepEqual(await store.entrySpansSince(START_MS, 10), [
    { service: 'gateway', endUs: (START_MS + 1_010) * 1_000, durationMs: 10, isError: false },
  ])
  assert.deepEqual(await store.entrySpansSince(START_MS + 5_000, 10), [])
})
