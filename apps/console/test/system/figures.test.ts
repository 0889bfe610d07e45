import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { LatencyWindow } from '../../src/system/latency-window.ts'
import { serviceViews } from '../../src/system/overview.ts'
import { RunFileReader, parseRunFile } from '../../src/system/run-file.ts'

const ok = (clock: VirtualClock, durationMs: number) => ({ endMs: clock.now(), durationMs, isError: false })

test('percentiles are right within a bucket, rates and errors exactly', () => {
  const clock = new VirtualClock()
  const figures = new LatencyWindow(clock)
  for (let ms = 1; ms <= 1_000; ms++) figures.record('orders', { endMs: clock.now(), durationMs: ms, isError: ms % 10 === 0 })
  const { count, ratePerSecond, errorCount, p50Ms, p99Ms } = figures.figures('orders')
  assert.equal(count, 1_000)
  assert.equal(errorCount, 100)
  assert.ok(Math.abs(ratePerSecond - 1_000 / 300) < 1e-9)
  assert.ok(Math.abs(p50Ms! / 500 - 1) < 0.045, `p50 ${p50Ms}`)
  assert.ok(Math.abs(p99Ms! / 990 - 1) < 0.045, `p99 ${p99Ms}`)
})

test('what is older than five minutes does not count, and its memory is used again', async () => {
  const clock = new VirtualClock()
  const figures = new LatencyWindow(clock)
  figures.record('orders', ok(clock, 5))
  await clock.advance(299_000)
  figures.record('orders', ok(clock, 5))
  await clock.advance(15_000)
  assert.equal(figures.figures('orders').count, 1)
  await clock.advance(300_000)
  assert.deepEqual(figures.figures('orders'), { windowMs: 300_000, count: 0, ratePerSecond: 0, errorCount: 0, p50Ms: null, p99Ms: null })
  figures.record('orders', ok(clock, 5))
  assert.equal(figures.figures('orders').count, 1)
})

test('a span from before the window is passed over; one from a clock ahead counts now', () => {
  const clock = new VirtualClock()
  const figures = new LatencyWindow(clock)
  figures.record('orders', { endMs: clock.now() - 400_000, durationMs: 1, isError: false })
  figures.record('orders', { endMs: clock.now() + 3_600_000, durationMs: 1, isError: false })
  assert.equal(figures.figures('orders').count, 1)
})

test('durations of nothing and of days have a place', () => {
  const clock = new VirtualClock()
  const figures = new LatencyWindow(clock)
  figures.record('zero', ok(clock, 0))
  figures.record('days', ok(clock, 1e12))
  assert.ok(figures.figures('zero').p50Ms! < 0.01)
  assert.ok(figures.figures('days').p50Ms! > 1e6)
})

test('services of the run file come in its order, those that only send spans after them', () => {
  const clock = new VirtualClock()
  const figures = new LatencyWindow(clock)
  figures.record('stranger', ok(clock, 5))
  figures.record('orders', ok(clock, 5))
  const process = (name: string, instance: string, state: string) => ({
    name,
    instance,
    state,
    role: 'service',
    context: 'c',
    purpose: 'p',
    pid: 1,
    restarts: 0,
    lastExit: null,
    startedAt: '',
    httpUrl: '',
  })
  const run = parseRunFile(
    JSON.stringify({
      system: 'shop',
      startedAt: 'x',
      processes: [
        process('orders', 'orders-1', 'ready'),
        process('gateway', 'gateway-1', 'starting'),
        process('orders', 'orders-2', 'failed'),
      ],
    }),
  )
  const views = serviceViews(run, figures)
  assert.deepEqual(
    views.map(({ name, role, instances, spans }) => [name, role, instances.map(({ instance, ready }) => [instance, ready]), spans.count]),
    [
      [
        'orders',
        'service',
        [
          ['orders-1', true],
          ['orders-2', false],
        ],
        1,
      ],
      ['gateway', 'service', [['gateway-1', false]], 0],
      ['stranger', 'unknown', [], 1],
    ],
  )
})

test('the run file is read again when it was replaced; a broken or missing one leaves what was known', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'run-file-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'run.json')
  const write = (text: string) => {
    writeFileSync(`${path}.next`, text)
    renameSync(`${path}.next`, path)
  }
  const reader = new RunFileReader(path)
  assert.equal(await reader.refresh(), false)
  assert.equal(reader.state.processes.length, 0)
  write('{"system":"shop","processes":[{"name":"orders"},7]}')
  assert.equal(await reader.refresh(), true)
  assert.equal(await reader.refresh(), false)
  assert.equal(reader.state.processes[0]!.instance, 'orders')
  write('{"system":')
  assert.equal(await reader.refresh(), false)
  assert.equal(reader.state.system, 'shop')
  rmSync(path)
  assert.equal(await reader.refresh(), false)
  assert.equal(reader.state.system, 'shop')
})
