import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type MetricFamily, instruments, prometheus } from '@seaworthy/telemetry/prometheus'
import { observed, rootContext, withContext } from 'seaworthy/core'
import { startTelemetry } from '../src/index.ts'
import { OPEN_METRICS, TEXT_FORMAT, formatFor } from '../src/exposition.ts'

const span = { traceId: 'a1'.repeat(16), spanId: 'b2'.repeat(8) }
const traceparent = (flags: string) => `00-${span.traceId}-${span.spanId}-${flags}`

test('OpenMetrics is for who wants it most, and the text format for everybody else', () => {
  // Of Prometheus 2.42 and 3.
  const accepted = [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.2',
    'application/openmetrics-text',
    'text/plain; q=0.5, Application/OpenMetrics-Text; version=1.0.0',
  ]
  for (const accept of accepted) assert.equal(formatFor(accept), OPEN_METRICS, accept)
  const refused = [
    undefined,
    '',
    '*/*',
    'text/html,*/*;q=0.8',
    'application/openmetrics-text;version=0.0.1',
    'application/openmetrics-text;version=1.0.0;q=0',
    'application/openmetrics-text;q=0.4,text/plain;q=0.5',
  ]
  for (const accept of refused) assert.equal(formatFor(accept), TEXT_FORMAT, accept)
})

const FAMILIES: readonly MetricFamily[] = [
  { name: 'calls_total', type: 'counter', help: 'Calls, "all"\nof them.', samples: [[{ policy: 'a "b"\\\nc' }, 7]] },
  { name: 'calls', type: 'counter', help: 'A counter by an odd name.', samples: [[{}, 1]] },
  { name: 'queued', type: 'gauge', help: 'Waiting.', samples: [[{}, Number.POSITIVE_INFINITY]] },
  {
    name: 'took_seconds',
    type: 'histogram',
    help: 'How long.',
    samples: [
      [{ le: '0.5' }, 1, 'took_seconds_bucket', { ...span, value: 0.25, timeMs: 1_795_787_725_004 }],
      [{ le: '1' }, 1, 'took_seconds_bucket'],
      [{ le: '+Inf' }, 2, 'took_seconds_bucket'],
      [{}, 1.5, 'took_seconds_sum'],
      [{}, 2, 'took_seconds_count'],
    ],
  },
  { name: 'none', type: 'gauge', help: 'Nothing.', samples: [] },
]

test('in OpenMetrics a counter is called without its ending, bounds are floats, and a bucket has its exemplar', () => {
  assert.equal(
    OPEN_METRICS.write(FAMILIES),
    String.raw`# TYPE calls counter
# HELP calls Calls, \"all\"\nof them.
calls_total{policy="a \"b\"\\\nc"} 7
# TYPE calls unknown
# HELP calls A counter by an odd name.
calls 1
# TYPE queued gauge
# HELP queued Waiting.
queued +Inf
# TYPE took_seconds histogram
# HELP took_seconds How long.
took_seconds_bucket{le="0.5"} 1 # {trace_id="a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",span_id="b2b2b2b2b2b2b2b2"} 0.25 1795787725.004
took_seconds_bucket{le="1.0"} 1
took_seconds_bucket{le="+Inf"} 2
took_seconds_sum 1.5
took_seconds_count 2
# EOF
`,
  )
})

test('the text format has the same samples, and a line is a line', () => {
  const text = TEXT_FORMAT.write(FAMILIES)
  assert.match(text, /^# HELP calls_total Calls, "all"\\nof them\.$/m)
  assert.match(text, /^took_seconds_bucket\{le="1"\} 1$/m)
  assert.doesNotMatch(text, /trace_id|EOF/)
})

async function exposed(t: TestContext, observe: () => void | Promise<void>, mine = instruments()) {
  const metrics = prometheus({ process: false, sources: [mine] })
  t.after(() => metrics[Symbol.dispose]())
  await observe()
  return (await metrics.exposition('application/openmetrics-text')).body
}

test('an exemplar is the recorded span in progress; one that is not recorded, or none, leaves none', async (t) => {
  const mine = instruments()
  const basket = mine.histogram({ name: 'basket_euros', help: 'Worth of baskets.', bounds: [10, 100] }).bind({ country: 'DE' })
  const within = (flags: string, value: number) =>
    withContext(rootContext({ traceparent: traceparent(flags) }), () => basket.observe(value))
  const body = await exposed(
    t,
    () => {
      within('00', 5)
      basket.observe(6)
      within('01', 50)
    },
    mine,
  )
  const bucket = (le: string) => new RegExp(`^basket_euros_bucket\\{country="DE",le="${le}"\\} (.*)$`, 'm').exec(body)![1]!
  assert.equal(bucket('10.0'), '2')
  assert.match(bucket('100.0'), new RegExp(`^3 # \\{trace_id="${span.traceId}",span_id="${span.spanId}"\\} 50 \\d{10}\\.\\d{3}$`))
  assert.equal(bucket(String.raw`\+Inf`), '3')
})

test("with tracing, the exemplar of a request's duration is the request's own span", async (t) => {
  let traceId: string | undefined
  const telemetry = startTelemetry({
    service: 'orders',
    instance: 'orders-1',
    logLevel: 'silent',
    metrics: { process: false },
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: (ended) => void (traceId = `${ended.spanContext().traceId} ${ended.spanContext().spanId}`),
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      },
    ],
  })
  t.after(() => telemetry.shutdown())
  const { metrics } = telemetry
  const attributes = { 'http.request.method': 'GET', 'http.route': '/stock' }
  await observed('http.server').run(
    () => ({ name: 'GET /stock', kind: 'server', attributes }),
    async () => new Promise((resolve) => setImmediate(resolve)),
  )
  const { contentType, body } = await metrics.exposition('application/openmetrics-text;version=1.0.0')
  assert.match(contentType, /^application\/openmetrics-text; version=1\.0\.0/)
  const [, trace, of] = /^http_server_request_duration_seconds_bucket\{.*\} 1 # \{trace_id="(\w+)",span_id="(\w+)"\}/m.exec(body)!
  assert.equal(`${trace} ${of}`, traceId)
  assert.doesNotMatch((await metrics.exposition('text/plain')).body, /trace_id/)
})
