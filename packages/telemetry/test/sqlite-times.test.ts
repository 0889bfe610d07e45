import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import { VirtualClock } from '@seaworthy/testing'
import { observed, sleep } from 'seaworthy/core'
import { openSqliteDatabase } from 'seaworthy/sqlite'
import { factLink, lockFact, timeFact } from 'seaworthy/trace-analysis'
import { startTelemetry } from '../src/index.ts'

const request = observed('test.request')

async function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-sqlite-times-'))
  const exporter = new InMemorySpanExporter()
  const telemetry = startTelemetry({
    service: 'orders',
    instance: 'orders-1',
    logLevel: 'silent',
    processFacts: false,
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  exporter.shutdown = () => Promise.resolve()
  const clock = new VirtualClock()
  const path = join(folder, 'orders.sqlite')
  const database = await openSqliteDatabase({ path, clock })
  await database.transaction((tx) => tx.execute({ sql: 'CREATE TABLE thing (id INTEGER PRIMARY KEY)' }))
  t.after(async () => {
    await database.close()
    await telemetry.shutdown()
    rmSync(folder, { recursive: true })
  })
  return {
    clock,
    database,
    path,
    /** A request that does nothing but what `body` does. */
    request: <T>(name: string, body: () => Promise<T>) => request.run(() => ({ name, kind: 'server', attributes: {} }), body),
    /** The span of the only transaction, or slow read, of a request. */
    inside: (name: string) => {
      const spans = exporter.getFinishedSpans()
      const { traceId } = spans.find((span) => span.name === name)!.spanContext()
      return spans.find((span) => span.spanContext().traceId === traceId && span.name !== name)
    },
  }
}

const insert = { sql: 'INSERT INTO thing DEFAULT VALUES' }

test('who waits for the writer says for how long, and whose transaction had it', async (t) => {
  const { request, inside, database, clock } = await open(t)
  const holder = request('slow', () =>
    database.transaction(async (tx) => {
      await tx.execute(insert)
      await sleep(clock, 300)
    }),
  )
  await clock.advance(100)
  const waiter = request('quick', () => database.transaction((tx) => tx.execute(insert)))
  await clock.advance(200)
  await Promise.all([holder, waiter])
  const [slow, quick] = [inside('slow')!, inside('quick')!]
  assert.equal(quick.attributes[timeFact.poolWaitMs], 200)
  assert.equal(quick.attributes[timeFact.lockWaitMs], 0)
  assert.equal(quick.attributes[timeFact.executeMs], 0)
  assert.equal(quick.attributes[lockFact.blockerTraceId], slow.spanContext().traceId)
  assert.equal(quick.attributes[lockFact.blockerSpanId], slow.spanContext().spanId)
  assert.equal(quick.attributes[lockFact.blockerService], 'orders')
  assert.equal(quick.attributes[lockFact.blockerState], 'idle in transaction')
  assert.equal(quick.attributes[lockFact.blockerIdleMs], 300)
  assert.equal(quick.links[0]!.context.spanId, slow.spanContext().spanId)
  assert.deepEqual(quick.links[0]!.attributes, { [factLink.name]: factLink.lockBlocker })
  assert.equal(slow.attributes[timeFact.poolWaitMs], 0)
  assert.equal(slow.attributes[lockFact.blockerPid], undefined)
})

test('who has done its work and waits for another body that shares its commit says so too', async (t) => {
  const { request, inside, database, clock } = await open(t)
  const quick = request('quick', () => database.transaction((tx) => tx.execute(insert)))
  const slow = request('slow', () =>
    database.transaction(async (tx) => {
      await tx.execute(insert)
      await sleep(clock, 250)
    }),
  )
  await clock.advance(250)
  await Promise.all([quick, slow])
  assert.equal(inside('quick')!.attributes[timeFact.poolWaitMs], 250)
  assert.equal(inside('quick')!.attributes[lockFact.blockerTraceId], inside('slow')!.spanContext().traceId)
})

test('a lock of another connection is a wait for a lock, and Linux tells whose', async (t) => {
  const { request, inside, database, clock, path } = await open(t)
  const other = new DatabaseSync(path)
  t.after(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  const waiter = request('waiting', () => database.transaction((tx) => tx.execute(insert)))
  await clock.advance(400)
  other.exec('COMMIT')
  await clock.advance(100)
  await waiter
  const { attributes } = inside('waiting')!
  assert.equal(attributes[timeFact.poolWaitMs], 0)
  const lockMs = Number(attributes[timeFact.lockWaitMs])
  assert.ok(lockMs >= 400 && lockMs <= 500, `${lockMs}`)
  if (process.platform === 'linux') assert.equal(attributes[lockFact.blockerPid], process.pid)
})

test('one that is refused says how long it waited for nothing', async (t) => {
  const { request, inside, database, clock } = await open(t)
  const holder = database.transaction(() => sleep(clock, 300))
  await clock.advance(0)
  const controller = new AbortController()
  const waiter = request('impatient', () => database.transaction((tx) => tx.execute(insert), { signal: controller.signal }))
  await clock.advance(200)
  controller.abort(new Error('enough'))
  await assert.rejects(waiter, /enough/)
  await clock.advance(100)
  await holder
  assert.equal(inside('impatient')!.attributes[timeFact.poolWaitMs], 200)
})

test('a slow read is told afterwards, and others are not', async (t) => {
  const { request, inside, database, clock } = await open(t)
  await request('quick', () => database.query({ sql: 'SELECT 1' }))
  assert.equal(inside('quick'), undefined)
  // The clock of a read that takes long: asked before and after it.
  const monotonicMs = clock.monotonicMs.bind(clock)
  let lateMs = 0
  t.mock.method(clock, 'monotonicMs', () => monotonicMs() + (lateMs += 20))
  await request('slow', () => database.query({ sql: 'SELECT 1' }))
  const read = inside('slow')!
  assert.match(read.name, /^query orders\.sqlite$/)
  assert.equal(read.attributes[timeFact.executeMs], 20)
})
