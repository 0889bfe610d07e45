import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Context, ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { VirtualClock } from '@seaworthy/testing'
import { ProcessFacts } from '../src/process-facts.ts'
import { processReading } from '../src/process-reading.ts'
import { startTelemetry } from '../src/index.ts'

const REMOTE = trace.setSpanContext(ROOT_CONTEXT, {
  traceId: '1'.repeat(32),
  spanId: '2'.repeat(16),
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
})

/** A process whose clocks the test turns. */
function simulated(options: { readonly tellsProcessorWait?: boolean } = {}) {
  const clock = new VirtualClock()
  // Time that passes in a stretch: no timer fires meanwhile.
  let stretchedMs = 0
  const monotonicMs = () => clock.monotonicMs() + stretchedMs
  const counted = { activeMs: 0, cpuMs: 0, processorWaitMs: 0 }
  let readings = 0
  const facts = new ProcessFacts({
    clock: { now: () => clock.now(), monotonicMs, timer: (delayMs, fire, more) => clock.timer(delayMs, fire, more) },
    wallMs: () => 1_700_000_000_000 + monotonicMs(),
    reading: {
      cpuMs: () => {
        readings++
        return counted.cpuMs
      },
      loopActiveMs: () => counted.activeMs,
      processorWaitMs: () => (options.tellsProcessorWait === false ? undefined : counted.processorWaitMs),
    },
  })
  const exporter = new InMemorySpanExporter()
  const tracer = new TracerProvider({ spanProcessors: [facts, new SimpleSpanProcessor({ exporter })] }).getTracer('test')
  return {
    clock,
    readings: () => readings,
    /** The loop is busy for so long, with so much CPU and so long in the processor's queue, before any timer fires. */
    busy: (ms: number, cpuMs: number, processorWaitMs = 0) => {
      counted.activeMs += ms
      counted.cpuMs += cpuMs
      counted.processorWaitMs += processorWaitMs
      stretchedMs += ms
    },
    span: (name: string) => exporter.getFinishedSpans().find((each) => each.name === name)!,
    start: (name: string, parent: Context = REMOTE, kind = SpanKind.SERVER) => tracer.startSpan(name, { kind }, parent),
  }
}

const facts = ({ attributes }: ReadableSpan) =>
  ['cpu_ms', 'loop_active_ms', 'loop_blocked_ms', 'processor_wait_ms'].map((name) => attributes[`seaworthy.time.${name}`])
const stretches = ({ events }: ReadableSpan) =>
  events.filter(({ name }) => name === 'seaworthy.loop.stretch').map(({ attributes }) => attributes)

test('an entry span says how much CPU the thread used and how long the loop was active', async () => {
  const { start, span, busy, clock } = simulated()
  const request = start('GET /')
  busy(5, 5)
  await clock.advance(100)
  busy(3, 3)
  request.end()
  assert.deepEqual(facts(span('GET /')), [8, 8, 0, undefined])
})

test('a loop that is active while nothing is computed is blocked, and told apart from one that waits for a processor', () => {
  const { start, span, busy } = simulated()
  const request = start('GET /')
  busy(300, 10, 40)
  request.end()
  assert.deepEqual(facts(span('GET /')), [10, 300, 250, 40])
})

test('where the system does not tell of the processor’s queue, all that is not computed counts as blocked', () => {
  const { start, span, busy } = simulated({ tellsProcessorWait: false })
  const request = start('GET /')
  busy(300, 10, 40)
  request.end()
  assert.deepEqual(facts(span('GET /')), [10, 300, 290, undefined])
})

test('spans within a process say nothing: what they would say is said by the span above', () => {
  const { start, span, busy } = simulated()
  const request = start('GET /')
  const inner = start('query', trace.setSpan(ROOT_CONTEXT, request), SpanKind.CLIENT)
  busy(30, 30)
  inner.end()
  request.end()
  assert.deepEqual(facts(span('query')), [undefined, undefined, undefined, undefined])
  assert.equal(facts(span('GET /'))[0], 30)
})

test('a root without a parent is an entry, as is a consumer within its process', () => {
  const { start, span, busy } = simulated()
  const job = start('nightly', ROOT_CONTEXT, SpanKind.INTERNAL)
  const message = start('handle', trace.setSpan(ROOT_CONTEXT, job), SpanKind.CONSUMER)
  busy(4, 4)
  message.end()
  job.end()
  assert.equal(facts(span('handle'))[0], 4)
  assert.equal(facts(span('nightly'))[0], 4)
})

test('a request that waited behind another’s stretch tells of it, with its start and that it was not its own', async () => {
  const { start, span, busy, clock } = simulated()
  const greedy = start('greedy')
  await clock.advance(20)
  const query = start('query', trace.setSpan(ROOT_CONTEXT, greedy), SpanKind.CLIENT)
  const patient = start('patient')
  await clock.advance(20)
  query.end()
  busy(200, 199)
  greedy.end()
  patient.end()
  assert.deepEqual(stretches(span('greedy')), [{ ms: 200, cpu_ms: 199, own: true }])
  assert.deepEqual(stretches(span('patient')), [{ ms: 200, cpu_ms: 199, own: false }])
  const [event] = span('patient').events
  assert.deepEqual(event!.time, [1_700_000_000, 40_000_000])
})

test('a stretch that ended is told to those who were open then, and to nobody later', async () => {
  const { start, span, busy, clock } = simulated()
  const early = start('early')
  busy(100, 100)
  await clock.advance(15)
  const late = start('late')
  await clock.advance(15)
  late.end()
  early.end()
  assert.equal(stretches(span('early')).length, 1)
  assert.deepEqual(stretches(span('late')), [])
})

test('a request that came in a stretch’s last moment, or was over as soon as it had come, tells nothing of it', async () => {
  const { start, span, busy, clock } = simulated()
  const greedy = start('greedy')
  await clock.advance(9)
  busy(100, 100)
  const last = start('last')
  busy(3, 3)
  const quick = start('quick')
  quick.end()
  await clock.advance(15)
  last.end()
  greedy.end()
  assert.deepEqual(stretches(span('last')), [])
  assert.deepEqual(stretches(span('quick')), [])
  assert.equal(stretches(span('greedy')).length, 1)
})

test('between two requests nothing ticks, and what the process did then is not told', async () => {
  const { start, span, busy, clock } = simulated()
  start('first').end()
  await clock.advance(10)
  assert.equal(clock.pending.length, 0)
  for (const name of ['second', 'at once after it']) {
    busy(5_000, 5_000)
    const request = start(name)
    busy(6, 0)
    request.end()
    assert.deepEqual(stretches(span(name)), [])
    assert.equal(facts(span(name))[0], 0)
  }
})

test('spans that never end are forgotten beyond ten thousand, and nothing ticks for them', async () => {
  const { start, clock } = simulated()
  for (let index = 0; index < 10_000; index++) start('lost')
  const ending = Array.from({ length: 10_000 }, () => start('ending'))
  await clock.advance(10)
  assert.equal(clock.pending.length, 1)
  for (const span of ending) span.end()
  await clock.advance(10)
  assert.equal(clock.pending.length, 0)
})

test('spans that follow each other within microseconds share a reading, and are told apart all the same', () => {
  const { start, span, busy, readings } = simulated()
  for (let index = 0; index < 100; index++) {
    const request = start(`request ${index}`)
    busy(0.004, 0.004)
    request.end()
  }
  assert.ok(readings() <= 10, `${readings()} readings in 0.4 ms`)
  assert.deepEqual(facts(span('request 50')), [0.004, 0.004, 0, undefined])
})

test('the real process: a blocked call is told from computing', (t) => {
  const exporter = started(t)
  const tracer = trace.getTracer('test')
  const computing = tracer.startSpan('computing', { kind: SpanKind.SERVER })
  const reading = processReading()
  const untilCpuMs = reading.cpuMs() + 30
  while (reading.cpuMs() < untilCpuMs);
  computing.end()
  const blocked = tracer.startSpan('blocked', { kind: SpanKind.SERVER })
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  blocked.end()
  const [one, other] = exporter.getFinishedSpans()
  const [cpuMs, activeMs, blockedMs] = facts(one!) as number[]
  // The kernel counts a thread's time in ticks of up to 10 ms on some machines; the loop's is exact.
  assert.ok(cpuMs! >= 29.9 && activeMs! >= cpuMs! - 10, `${cpuMs} of ${activeMs}`)
  assert.ok(blockedMs! < activeMs! / 2 || process.platform !== 'linux', `${blockedMs} blocked of ${activeMs}`)
  const [, loopMs, waitedMs] = facts(other!) as number[]
  assert.ok(loopMs! >= 49 && waitedMs! >= 40, `${waitedMs} blocked of ${loopMs}`)
  assert.equal(stretches(other!)[0]!['own'], true)
})

function started(t: TestContext): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter()
  const telemetry = startTelemetry({
    service: 'orders',
    instance: 'orders-1',
    logLevel: 'silent',
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  exporter.shutdown = () => Promise.resolve()
  t.after(() => telemetry.shutdown())
  return exporter
}

test('they can be switched off', async (t) => {
  const exporter = new InMemorySpanExporter()
  const telemetry = startTelemetry({
    service: 'orders',
    instance: 'orders-1',
    logLevel: 'silent',
    processFacts: false,
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  t.after(() => telemetry.shutdown())
  trace.getTracer('test').startSpan('GET /', { kind: SpanKind.SERVER }).end()
  assert.deepEqual(exporter.getFinishedSpans()[0]!.attributes, {})
})
