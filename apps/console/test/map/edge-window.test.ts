import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import type { ObservedCall } from '../../src/map/call-matcher.ts'
import { EdgeWindow } from '../../src/map/edge-window.ts'

const MINUTE_MS = 60_000
const START_MS = 1_795_438_200_000

const call = (endMs: number, durationMs: number, more: Partial<ObservedCall> = {}): ObservedCall => ({
  caller: 'service:orders',
  callee: 'service:payments',
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  endMs,
  durationMs,
  isError: false,
  ...more,
})

test('rate, errors and percentiles are those of the window, and older minutes leave it', async () => {
  const clock = new VirtualClock({ nowMs: START_MS })
  const window = new EdgeWindow(clock)
  for (let number = 1; number <= 100; number++) window.record(call(START_MS, number, { isError: number > 98 }))
  await clock.advance(4 * MINUTE_MS)
  const [edge] = window.edges(5)
  assert.partialDeepStrictEqual(edge, { caller: 'service:orders', callee: 'service:payments', count: 100, errorCount: 2 })
  assert.equal(edge!.ratePerSecond.toFixed(3), (100 / 240).toFixed(3))
  for (const [quantile, expected] of [
    ['p50Ms', 50],
    ['p95Ms', 95],
    ['p99Ms', 99],
  ] as const)
    assert.ok(Math.abs(edge![quantile] / expected - 1) < 0.05, `${quantile} is ${edge![quantile]}`)
  await clock.advance(2 * MINUTE_MS)
  assert.deepEqual(window.edges(5), [])
  assert.equal(window.edges(15)[0]!.count, 100)
  await clock.advance(60 * MINUTE_MS)
  assert.deepEqual(window.edges(60), [])
})

test('each bucket of the histogram has a trace to open: the newest that failed, or else the newest', async () => {
  const clock = new VirtualClock({ nowMs: START_MS })
  const window = new EdgeWindow(clock)
  window.record(call(START_MS - MINUTE_MS, 10, { traceId: '1', isError: true }))
  window.record(call(START_MS, 10, { traceId: '2' }))
  window.record(call(START_MS, 100, { traceId: '3' }))
  window.record(call(START_MS + 1, 101, { traceId: '4' }))
  const histogram = window.histogram('service:orders', 'service:payments', 5)
  assert.deepEqual(
    histogram.map(({ count, errorCount, exemplar }) => [count, errorCount, exemplar.traceId]),
    [
      [2, 1, '1'],
      [2, 0, '4'],
    ],
  )
  for (const { fromMs, toMs, exemplar } of histogram) assert.ok(fromMs <= exemplar.durationMs && exemplar.durationMs < toMs)
  assert.deepEqual(window.histogram('service:orders', 'service:nobody', 5), [])
})

test('pairs beyond the limit are counted and passed over, until old ones have left the window', async () => {
  const clock = new VirtualClock({ nowMs: START_MS })
  const window = new EdgeWindow(clock)
  for (let number = 0; number < 600; number++) window.record(call(START_MS, 1, { callee: `database:${number}` }))
  assert.deepEqual([window.edges(5).length, window.passedOver], [500, 100])
  await clock.advance(61 * MINUTE_MS)
  window.record(call(clock.now(), 1, { callee: 'database:new' }))
  assert.deepEqual([window.edges(5).length, window.passedOver], [1, 100])
})

test('a call of a sender whose clock is ahead counts now; one from before the window is passed over', () => {
  const window = new EdgeWindow(new VirtualClock({ nowMs: START_MS }))
  window.record(call(START_MS + 10 * MINUTE_MS, 1))
  window.record(call(START_MS - 61 * MINUTE_MS, 1))
  assert.equal(window.edges(60)[0]!.count, 1)
})
