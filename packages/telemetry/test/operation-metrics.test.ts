import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { messageFamilies, type MetricSource, prometheus, sagaFamilies } from '@seaworthy/telemetry/prometheus'
import { observed, type Operation, UnavailableError } from 'seaworthy/core'
import { operationMetrics } from '../src/operation-metrics.ts'

const operation = (kind: Operation['kind'], attributes: Operation['attributes']) => () => ({ name: 'x', kind, attributes })

function measured(t: TestContext) {
  const clock = new VirtualClock()
  const metrics = operationMetrics(clock)
  t.after(() => metrics[Symbol.dispose]())
  /** The samples of a metric, by its name and labels. */
  const read = (name: string) => {
    const family = metrics.families().find((each) => each.name === name)
    const samples = family?.samples.map(([labels, value, own]) => [`${own ?? name} ${JSON.stringify(labels)}`, value] as const)
    return Object.fromEntries(samples ?? [])
  }
  return { clock, read }
}

test('a request is measured to its end, by method, route and status', async (t) => {
  const { clock, read } = measured(t)
  const answered = Promise.withResolvers<void>()
  const attributes = { 'http.request.method': 'GET', 'http.route': '/stock', 'url.path': '/stock', 'http.response.status_code': 200 }
  const served = observed('http.server').run(operation('server', attributes), () => answered.promise)
  await clock.advance(300)
  assert.deepEqual(read('http_server_request_duration_seconds'), {}, 'it has not ended')
  answered.resolve()
  await served
  const samples = read('http_server_request_duration_seconds')
  const labels = '"http_request_method":"GET","http_response_status_code":"200","http_route":"/stock"'
  assert.equal(samples[`http_server_request_duration_seconds_count {${labels}}`], 1)
  assert.equal(samples[`http_server_request_duration_seconds_sum {${labels}}`], 0.3)
  // A bucket holds what is in the smaller ones.
  const bucket = (le: string) => samples[`http_server_request_duration_seconds_bucket {${labels},"le":"${le}"}`]
  assert.deepEqual(['0.25', '0.5', '10', '+Inf'].map(bucket), [0, 1, 1, 1])
})

test('a failed attempt counts under its error, for whom it was made, whether it threw late or at once', async (t) => {
  const { read } = measured(t)
  const attributes = { 'rpc.system.name': 'grpc', 'rpc.method': 'Payments/Charge', 'seaworthy.policy': 'payments' }
  const call = (body: () => Promise<void>) => observed('grpc.client').run(operation('client', { ...attributes }), body)
  await call(() => Promise.reject(new UnavailableError('down'))).catch(() => undefined)
  assert.throws(
    () =>
      void call(() => {
        throw new TypeError('no function')
      }),
  )
  const labels = (error: string) => `{"rpc_system_name":"grpc","rpc_method":"Payments/Charge","policy":"payments","error_type":"${error}"}`
  const samples = read('rpc_client_call_duration_seconds')
  for (const error of ['unavailable', 'TypeError'])
    assert.equal(samples[`rpc_client_call_duration_seconds_count ${labels(error)}`], 1, error)
})

test('what comes beyond a thousand sets of labels shares a series, and other kinds of work are not measured', async (t) => {
  const { read } = measured(t)
  for (let route = 0; route < 1_005; route++)
    await observed('http.server').run(operation('server', { 'http.route': `/${route}` }), async () => undefined)
  await observed('test.anything').run(operation('server', {}), async () => undefined)
  const counts = Object.entries(read('http_server_request_duration_seconds')).filter(([name]) => name.includes('_count '))
  assert.equal(counts.length, 1_001)
  assert.deepEqual(counts.at(-1), ['http_server_request_duration_seconds_count {}', 5])
})

test('a scrape asks its sources, and one that fails is told and hides nothing', async (t) => {
  const sources: readonly MetricSource[] = [
    { name: 'sagas', families: async () => sagaFamilies({ parked: 2, running: 1 }) },
    { name: 'messages', families: () => Promise.reject(new Error('the database is away')) },
    {
      name: 'careless',
      families: () => {
        throw new Error('at once')
      },
    },
  ]
  const metrics = prometheus({ process: false, operations: false, sources })
  t.after(() => metrics[Symbol.dispose]())
  assert.equal(metrics.text(), '')
  const text = await metrics.scrape()
  assert.match(text, /^seaworthy_sagas\{state="parked"\} 2$/m)
  for (const [source, failed] of Object.entries({ sagas: 0, messages: 1, careless: 1 }))
    assert.match(text, new RegExp(`^seaworthy_metrics_source_failed\\{source="${source}"\\} ${failed}$`, 'm'))
})

test('outbox, consumers, queues and topics are told with their ages and their dead letters', () => {
  const families = messageFamilies(
    {
      outbox: {
        state: 'running',
        backlog: { messages: 3, oldestAtMs: 40_000 },
        topics: [{ topic: 'orders', sent: 7, failuresInARow: 2 } as never],
        stalls: [],
        lastError: { message: 'locked', atMs: 1 },
      },
      consumers: [
        {
          group: 'mail',
          state: 'failed',
          handled: 5,
          failedAttempts: 1,
          setAside: 1,
          uncommitted: 0,
          retrying: [],
          lastError: undefined,
          deadLetters: 4,
          parkedKeys: 2,
        },
      ],
      queues: [{ name: 'letters', ready: 1, delayed: 2, leased: 3, dead: 6 }],
      topics: [{ topic: 'orders', partitions: 1, records: 9, groups: [{ group: 'mail', lag: 8 }] }],
    },
    100_000,
  )
  const figures = Object.fromEntries(
    families.flatMap(({ name, samples }) =>
      samples.map(([labels, value]) => [
        `${name}${Object.values(labels)
          .map((label) => ` ${label}`)
          .join('')}`,
        value,
      ]),
    ),
  )
  assert.deepEqual(figures, {
    seaworthy_outbox_messages: 3,
    seaworthy_outbox_oldest_seconds: 60,
    'seaworthy_relay_sent_total orders': 7,
    'seaworthy_relay_failures_in_a_row orders': 2,
    seaworthy_relay_stalled: 0,
    seaworthy_relay_looking: 0,
    'seaworthy_consumer_running mail': 0,
    'seaworthy_consumer_handled_total mail': 5,
    'seaworthy_consumer_failed_attempts_total mail': 1,
    'seaworthy_consumer_parked_keys mail': 2,
    'seaworthy_dead_letters consumer:mail': 4,
    'seaworthy_dead_letters queue:letters': 6,
    'seaworthy_queue_messages letters ready': 1,
    'seaworthy_queue_messages letters delayed': 2,
    'seaworthy_queue_messages letters leased': 3,
    'seaworthy_consumer_lag orders mail': 8,
  })
})
