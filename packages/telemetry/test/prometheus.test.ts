import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { VirtualClock, eventually } from '@seaworthy/testing'
import { prometheus, type PrometheusOptions } from '@seaworthy/telemetry/prometheus'
import { constant, UnavailableError } from 'seaworthy/core'
import { policy, type PolicyDeclaration } from 'seaworthy/resilience'

/** Reads the text format as a scraper does: every sample belongs to a family that was announced, and none comes twice. */
function parse(text: string): ReadonlyMap<string, number> {
  assert.ok(text.endsWith('\n'))
  const samples = new Map<string, number>()
  let family: string | undefined
  let type: string | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-z_0-9]+) \S.*$/.exec(line)
    const kind = /^# TYPE ([a-z_0-9]+) (counter|gauge|histogram)$/.exec(line)
    if (help !== null) family = help[1]
    else if (kind !== null) {
      assert.equal(kind[1], family)
      type = kind[2]
    } else {
      const sample = /^([a-z_0-9]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\d+(?:\.\d+)?(?:e-?\d+)?)$/.exec(line)
      assert.ok(sample !== null, `no sample: ${line}`)
      assert.equal(type === 'histogram' ? sample[1]!.replace(/_(?:bucket|sum|count)$/, '') : sample[1], family)
      assert.equal(sample[1]!.endsWith('_total'), type === 'counter')
      const key = `${sample[1]}${sample[2] ?? ''}`
      assert.ok(!samples.has(key), `twice: ${key}`)
      samples.set(key, Number(sample[3]))
    }
  }
  return samples
}

function scraped(t: TestContext, options: PrometheusOptions = {}) {
  const metrics = prometheus({ process: false, ...options })
  t.after(() => metrics[Symbol.dispose]())
  return () => parse(metrics.text())
}

const failing = (declaration: PolicyDeclaration, name: string, clock = new VirtualClock()) => {
  const guard = policy(declaration, { name, clock })
  return { guard, clock, call: () => guard.run(() => Promise.reject(new UnavailableError('down'))).catch(() => {}) }
}

test('counts rejections, retries and every change of a circuit', async (t) => {
  const read = scraped(t)
  const { guard, call, clock } = failing({ circuitBreaker: { consecutiveFailures: 2, openMs: 100 } }, 'stock')
  for (let times = 0; times < 5; times++) await call()
  await clock.advance(100)
  await guard.run(() => Promise.resolve('well'))
  const retrying = failing({ retry: { attemptsMax: 3, backoff: constant(0), budget: { ratio: 0.1, tokensMax: 1 } } }, 'mail')
  const over = retrying.call()
  await retrying.clock.advance(10)
  await over
  const samples = read()
  assert.equal(samples.get('seaworthy_calls_rejected_total{policy="stock",by="circuit-breaker"}'), 3)
  for (const to of ['open', 'half-open', 'closed'])
    assert.equal(samples.get(`seaworthy_circuit_changes_total{policy="stock",to="${to}"}`), 1, to)
  assert.equal(samples.get('seaworthy_retries_total{policy="mail"}'), 1)
  assert.equal(samples.get('seaworthy_retries_abandoned_total{policy="mail",why="budget"}'), 1)
})

test('shows where breakers, bulkheads and budgets stand', async (t) => {
  const { guard, call } = failing(
    {
      circuitBreaker: { consecutiveFailures: 1, openMs: 100 },
      bulkhead: { concurrencyMax: 2, queueMax: 5 },
      retry: { attemptsMax: 1, backoff: constant(0), budget: { ratio: 0.1, tokensMax: 8 } },
    },
    'stock',
  )
  const read = scraped(t, { policies: () => [guard.snapshot()] })
  const gate = Promise.withResolvers<void>()
  const calls = [1, 2, 3].map(() => guard.run(() => gate.promise))
  const busy = read()
  assert.equal(busy.get('seaworthy_bulkhead_running{policy="stock"}'), 2)
  assert.equal(busy.get('seaworthy_bulkhead_queued{policy="stock"}'), 1)
  assert.equal(busy.get('seaworthy_bulkhead_concurrency_max{policy="stock"}'), 2)
  assert.equal(busy.get('seaworthy_retry_budget_tokens{policy="stock"}'), 8)
  assert.equal(busy.get('seaworthy_circuit_state{policy="stock",state="closed"}'), 1)
  gate.resolve()
  await Promise.all(calls)
  await call()
  const open = read()
  assert.equal(open.get('seaworthy_bulkhead_running{policy="stock"}'), 0)
  assert.equal(open.get('seaworthy_circuit_state{policy="stock",state="closed"}'), 0)
  assert.equal(open.get('seaworthy_circuit_state{policy="stock",state="open"}'), 1)
})

test('takes any name, and gives no more than so many a series of their own', async (t) => {
  const odd = failing({ bulkhead: { concurrencyMax: 1 } }, 'a "quoted"\\\nname')
  const others = ['b', 'c', 'd'].map((name) => failing({ bulkhead: { concurrencyMax: 1 } }, name))
  const read = scraped(t, { policies: () => [odd, ...others].map(({ guard }) => guard.snapshot()), policiesMax: 2 })
  const samples = read()
  assert.equal(samples.get('seaworthy_bulkhead_concurrency_max{policy="a \\"quoted\\"\\\\\\nname"}'), 1)
  assert.equal(samples.get('seaworthy_bulkhead_concurrency_max{policy="b"}'), 1)
  assert.equal(samples.get('seaworthy_bulkhead_concurrency_max{policy="other"}'), 2)
})

test('tells what is added from then on, until it is taken away again', async (t) => {
  const metrics = prometheus({ process: false })
  t.after(() => metrics[Symbol.dispose]())
  const { guard } = failing({ bulkhead: { concurrencyMax: 1 } }, 'stock')
  const source = {
    name: 'mine',
    families: async () => [{ name: 'mine_total', type: 'counter' as const, help: 'Mine.', samples: [[{}, 3]] as const }],
  }
  const forget = metrics.add({ policies: () => [guard.snapshot()], sources: [source] })
  const told = parse(await metrics.scrape())
  assert.deepEqual([told.get('mine_total'), told.get('seaworthy_bulkhead_concurrency_max{policy="stock"}')], [3, 1])
  assert.equal(told.get('seaworthy_metrics_source_failed{source="mine"}'), 0)
  forget()
  assert.doesNotMatch(await metrics.scrape(), /mine|stock/)
})

test('counts nothing any more once it is disposed of', async () => {
  const metrics = prometheus()
  const { call } = failing({ circuitBreaker: { consecutiveFailures: 1, openMs: 100 } }, 'stock')
  metrics[Symbol.dispose]()
  await call()
  await call()
  assert.equal(metrics.text(), '')
  assert.equal(metrics.contentType, 'text/plain; version=0.0.4; charset=utf-8')
})

test('tells CPU, memory, delay of the event loop and garbage collection under the names that people have dashboards for', async (t) => {
  const read = scraped(t, { process: true })
  const before = read()
  // A delay is measured from one sample to the next: there has to be a first one, and the loop has to come round after it.
  await new Promise((resolve) => setTimeout(resolve, 50))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 80)
  // Sampled by a timer of Node's own, which may come round after ours. Not asked for again and again: each answer begins anew.
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.ok(read().get('nodejs_eventloop_lag_max_seconds')! >= 0.05)
  const after = read()
  assert.ok(after.get('process_cpu_seconds_total')! >= before.get('process_cpu_seconds_total')!)
  assert.ok(after.get('process_resident_memory_bytes')! > after.get('nodejs_heap_size_used_bytes')!)
  assert.ok(Math.abs(after.get('process_start_time_seconds')! * 1_000 + process.uptime() * 1_000 - Date.now()) < 1_000)
  assert.ok(after.get('nodejs_eventloop_lag_max_seconds')! < 0.05, 'it was read before, and begins anew')
  assert.ok(after.get('seaworthy_eventloop_active_seconds_total')! >= 0.08)
  assert.ok(after.get('nodejs_heap_space_size_used_bytes{space="old"}')! > 0)
})

test('garbage collections are counted by kind, in buckets that hold the smaller ones too', async (t) => {
  const read = scraped(t, { process: true })
  const count = 'nodejs_gc_duration_seconds_count{kind="minor"}'
  const kept: object[] = []
  await eventually('something is collected', () => {
    for (let made = 0; made < 100_000; made++) kept[made % 100] = { made }
    return (read().get(count) ?? 0) > 0
  })
  const samples = read()
  assert.equal(samples.get('nodejs_gc_duration_seconds_bucket{le="+Inf",kind="minor"}'), samples.get(count))
  assert.ok(
    samples.get('nodejs_gc_duration_seconds_bucket{le="0.01",kind="minor"}')! >=
      samples.get('nodejs_gc_duration_seconds_bucket{le="0.001",kind="minor"}')!,
  )
  assert.ok(samples.get('nodejs_gc_duration_seconds_sum{kind="minor"}')! > 0)
})
