import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { eventually } from '@seaworthy/testing'
import { startTelemetry } from '@seaworthy/telemetry'
import { observed, rootContext, traceHeaders } from 'seaworthy/core'
import { installPrometheus, startPrometheus } from '../../../test/servers/prometheus.ts'

interface Exemplars {
  readonly seriesLabels: Readonly<Record<string, string>>
  readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: string }[]
}

test('a real Prometheus asks for OpenMetrics, reads all of it, and finds the trace behind a bucket', async (t) => {
  await installPrometheus()
  const telemetry = startTelemetry({ service: 'orders', instance: 'orders-1', logLevel: 'silent' })
  t.after(() => telemetry.shutdown())
  const { metrics } = telemetry
  const asked: (string | undefined)[] = []
  let samples = 0
  const answer = async ({ headers }: IncomingMessage, response: ServerResponse) => {
    asked.push(headers.accept)
    const { contentType, body } = await metrics.exposition(headers.accept)
    samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
    response.writeHead(200, { 'content-type': contentType }).end(body)
  }
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())

  let traceparent: string | undefined
  await observed('http.server').run(
    () => ({ name: 'GET /stock', kind: 'server', attributes: { 'http.request.method': 'GET', 'http.route': '/stock' } }),
    async () => {
      traceparent = traceHeaders(rootContext()).traceparent
    },
  )
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const config = `scrape_configs:\n- { job_name: orders, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{ targets: ['${target}'] }] }\n`
  const prometheus = await startPrometheus({ 'prometheus.yml': config }, ['exemplar-storage'])
  t.after(() => prometheus.stop())
  const get = async <Data>(path: string, parameters: Record<string, string>): Promise<Data> =>
    ((await (await fetch(`${prometheus.url}/api/v1/${path}?${new URLSearchParams(parameters)}`)).json()) as { data: Data }).data
  const figure = async (query: string) =>
    Number((await get<{ result: readonly { value: readonly [number, string] }[] }>('query', { query })).result[0]?.value[1])

  const errors = async () =>
    (await get<{ activeTargets: readonly { lastError: string }[] }>('targets', {})).activeTargets.map(({ lastError }) => lastError)
  const isScraped = async () => (await figure('up')) === 1
  await eventually('it is scraped', isScraped, { withinMs: 20_000 }).catch(async (error: unknown) =>
    assert.fail(`${String(error)} ${(await errors()).join(' ')}`),
  )
  assert.match(asked[0]!, /^application\/openmetrics-text/)
  assert.equal(await figure('scrape_samples_scraped'), samples)
  assert.equal(await figure('http_server_request_duration_seconds_bucket{le="1.0",http_route="/stock"}'), 1)
  assert.ok((await figure('process_cpu_seconds_total')) > 0)

  const window = { start: String(Date.now() / 1_000 - 60), end: String(Date.now() / 1_000 + 60) }
  const exemplarsOf = () =>
    get<readonly Exemplars[]>('query_exemplars', { query: 'http_server_request_duration_seconds_bucket', ...window })
  await eventually('it has the exemplar', async () => (await exemplarsOf()).length > 0, { withinMs: 20_000 })
  const [found] = await exemplarsOf()
  const [, traceId, spanId] = traceparent!.split('-')
  assert.deepEqual(found!.exemplars[0]!.labels, { trace_id: traceId, span_id: spanId })
  assert.equal(found!.seriesLabels['http_route'], '/stock')
  assert.ok(Number(found!.exemplars[0]!.value) < 1)
})
