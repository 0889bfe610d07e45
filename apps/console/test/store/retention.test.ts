import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { IngestQueue } from '../../src/ingest-queue.ts'
import { checkRequest } from '../../src/otlp/check.ts'
import { spanRows } from '../../src/otlp/rows.ts'
import { SlowTraces } from '../../src/store/slow-traces.ts'
import { TraceStore, type TraceStoreOptions } from '../../src/store/trace-store.ts'
import { otlpRequest } from '../checkout-trace.ts'

const START_MS = 1_795_438_250_000
const MINUTE_MS = 60_000
const traceId = (number: number) => (0xabc000 + number).toString(16).padStart(32, 'f')

function file(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'retention-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'traces.sqlite')
}

async function open(t: TestContext, options: Partial<TraceStoreOptions> = {}): Promise<TraceStore> {
  const store = await TraceStore.open({ path: file(t), ...options })
  t.after(() => store.close())
  return store
}

const request = (number: number, { ms = 10, fails = false, spans = 2, padding = '' } = {}) =>
  spanRows(
    checkRequest(
      otlpRequest(
        [
          {
            service: 'gateway',
            name: 'GET /products',
            kind: 'server',
            start: 0,
            end: ms,
            attributes: fails ? { 'http.response.status_code': 500 } : {},
            children: Array.from(
              { length: spans - 1 },
              () => ({ service: 'orders', name: 'work', kind: 'internal', start: 1, end: 2, attributes: { padding } }) as const,
            ),
          },
        ],
        { traceId: traceId(number), correlationId: `c-${number}`, startMs: START_MS + number },
      ),
    ),
  )

const numbersOf = async (store: TraceStore) =>
  (await store.list({ limit: 1_000 })).map(({ startUs }) => startUs / 1_000 - START_MS).toReversed()

test('room is made by the ordinary traces; those that failed or were slow outlive them', async (t) => {
  const store = await open(t, { tracesMax: 40 })
  // Of a hundred, every tenth fails and one is slow.
  for (let number = 0; number < 100; number++)
    await store.write(request(number, { ms: number === 25 ? 900 : 10, fails: number % 10 === 0 }))
  while (await store.prune());
  const numbers = await numbersOf(store)
  assert.equal(numbers.length, 40)
  const outlived = numbers.filter((number) => number < 60)
  assert.deepEqual(outlived, [0, 10, 20, 25, 30, 40, 50])
  assert.deepEqual(store.trimmed, { size: { traces: 60, spans: 120 }, age: { traces: 0, spans: 0 } })
})

test('an outage does not push out all that shows what is usual: failures take half of the room at most', async (t) => {
  const store = await open(t, { tracesMax: 40 })
  for (let number = 0; number < 30; number++) await store.write(request(number))
  for (let number = 30; number < 120; number++) {
    await store.write(request(number, { fails: number < 110 }))
    while (await store.prune());
  }
  const { traces, kept } = store.counts
  assert.equal(traces, 40)
  assert.ok(kept >= 18 && kept <= 22, `${kept} kept`)
  // The newest are there whatever they are, and of the failed the newest.
  assert.deepEqual(
    (await numbersOf(store)).slice(-20),
    Array.from({ length: 20 }, (_, index) => 100 + index),
  )
})

test('by age too, the slow and failed go last, and then they go', async (t) => {
  const clock = new VirtualClock({ nowMs: START_MS })
  const store = await open(t, { ageMaxMs: MINUTE_MS, keptAgeMaxMs: 10 * MINUTE_MS, clock })
  await store.write(request(1))
  await store.write(request(2, { fails: true }))
  await clock.advance(2 * MINUTE_MS)
  while (await store.prune());
  assert.deepEqual([await numbersOf(store), store.counts.kept], [[2], 1])
  await clock.advance(9 * MINUTE_MS)
  while (await store.prune());
  assert.deepEqual(await numbersOf(store), [])
  assert.deepEqual(store.trimmed.age, { traces: 2, spans: 4 })
  assert.deepEqual(store.counts, { traces: 0, spans: 0, kept: 0 })
})

test('what was found worth keeping is known after a restart, and so is what is usual', async (t) => {
  const path = file(t)
  const first = await TraceStore.open({ path, tracesMax: 30 })
  for (let number = 0; number < 60; number++) await first.write(request(number, { fails: number < 5 }))
  while (await first.prune());
  assert.equal(first.counts.kept, 5)
  await first.close()
  const second = await open(t, { path, tracesMax: 30 })
  assert.deepEqual(second.counts, { traces: 30, spans: 60, kept: 5 })
  await second.write(request(60, { ms: 500 }))
  for (let number = 61; number < 100; number++) await second.write(request(number))
  while (await second.prune());
  assert.deepEqual((await numbersOf(second)).slice(0, 6), [0, 1, 2, 3, 4, 60])
})

test('a trace that is larger than a step goes in parts, and nothing of it is left', async (t) => {
  const store = await open(t, { tracesMax: 1 })
  await store.write(request(1, { spans: 1_300 }))
  await store.write(request(2))
  let steps = 0
  while (await store.prune()) steps++
  assert.ok(steps >= 3, `${steps} steps`)
  assert.deepEqual([await numbersOf(store), store.counts.spans, store.trimmed.size], [[2], 2, { traces: 1, spans: 1_300 }])
  assert.equal(await store.trace(traceId(1)), undefined)
})

test('under a flood the file stays within its limit and what was sent is accounted for to the last span', async (t) => {
  const path = file(t)
  const bytesMax = 1 << 20
  const store = await open(t, { path, bytesMax })
  const queue = new IngestQueue({ store, spansMax: 2_000, onStored: () => undefined, onError: (error) => assert.fail(String(error)) })
  let offered = 0
  // Six times what there is room for, faster than it is stored.
  for (let number = 0; number < 500; number++) {
    const rows = request(number, { spans: 20, padding: 'x'.repeat(600) })
    offered += rows.length
    if (!queue.offer(rows) && number % 10 === 0) await queue.drain()
  }
  await queue.drain()
  const { received, stored, dropped, refused } = queue.status
  assert.ok(refused > 0, 'the flood was fast enough to be turned away')
  assert.equal(received + refused, offered)
  assert.deepEqual([stored, dropped], [received, 0])
  assert.ok(store.trimmed.size.spans > 0)
  assert.equal(store.counts.spans + store.trimmed.size.spans, stored)
  await store.close()
  // A batch of 500 spans comes before room is made.
  const batchBytes = 500 * 1_600
  assert.ok(statSync(path).size <= bytesMax + batchBytes, `${statSync(path).size} bytes for ${bytesMax}`)
})

test('the slowest twentieth of a kind is slow, once enough are known; equals are not', () => {
  const slow = new SlowTraces()
  for (let number = 0; number < 19; number++) assert.equal(slow.judge('a', 1_000 + number), false, 'too few to tell')
  const judged = Array.from({ length: 400 }, () => slow.judge('b', 10))
  assert.ok(!judged.includes(true), 'all took the same')
  assert.equal(slow.judge('b', 50), true)
  assert.equal(slow.judge('c', 50), false, 'another kind')
})
