import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort, startedConsole } from './started-console.ts'

const OURS = fileURLToPath(new URL('otlp-service.ts', import.meta.url))
const STOCK = fileURLToPath(new URL('otlp-stock-service.ts', import.meta.url))

/** Runs a service to its end, set up by OpenTelemetry's variables alone. @returns the lines that it printed */
async function ran(program: string, env: Readonly<Record<string, string>>): Promise<readonly Record<string, unknown>[]> {
  const args = ['--disable-warning=ExperimentalWarning', '--conditions=source', program]
  const signals = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp' }
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { PATH: process.env['PATH'], ...signals, ...env },
    timeout: 30_000,
  })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

interface Sent {
  readonly metrics: readonly Metric[]
  readonly logs: readonly Record<string, unknown>[]
  readonly paths: readonly string[]
}
interface Metric {
  readonly name: string
}
interface OtlpBody {
  readonly resourceMetrics?: readonly { readonly scopeMetrics: readonly { readonly metrics: readonly Metric[] }[] }[]
  readonly resourceLogs?: readonly { readonly scopeLogs: readonly { readonly logRecords: readonly Record<string, unknown>[] }[] }[]
}

/** What a program sends to a collector, in OTLP's JSON. */
async function sentBy(t: TestContext, program: string): Promise<Sent> {
  const bodies: OtlpBody[] = []
  const paths: string[] = []
  const keep = async (request: IncomingMessage, response: ServerResponse) => {
    paths.push(`${request.method} ${request.url}`)
    bodies.push((await new Response(request as never).json()) as OtlpBody)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }
  const server = createServer((request, response) => void keep(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  await ran(program, { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' })
  return {
    paths,
    metrics: bodies.flatMap(({ resourceMetrics = [] }) =>
      resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics)),
    ),
    logs: bodies.flatMap(({ resourceLogs = [] }) =>
      resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords)),
    ),
  }
}

/** Without what differs from run to run, and what we do not tell: the least and the largest value. */
function comparable(value: unknown): unknown {
  const drop = new Set(['startTimeUnixNano', 'timeUnixNano', 'observedTimeUnixNano', 'traceId', 'spanId', 'min', 'max'])
  return JSON.parse(JSON.stringify(value, (name, each: unknown) => (drop.has(name) ? undefined : each))) as unknown
}

test('the same variables make our telemetry and the stock SDK send the same metrics and log records', async (t) => {
  const [ours, stock] = await Promise.all([sentBy(t, OURS), sentBy(t, STOCK)])
  for (const { paths } of [ours, stock]) assert.deepEqual(new Set(paths), new Set(['POST /v1/traces', 'POST /v1/metrics', 'POST /v1/logs']))
  const named = (metrics: readonly Metric[], name: string) => metrics.find((metric) => metric.name === name)
  for (const name of ['example.request.duration', 'orders_placed_total', 'baskets_open']) {
    assert.ok(named(stock.metrics, name) !== undefined, `${name} of the stock SDK`)
    assert.deepEqual(comparable(named(ours.metrics, name)), comparable(named(stock.metrics, name)), name)
  }
  const [mine, other] = [ours.logs[0] as { attributes: { key: string }[] }, stock.logs[0]]
  // Two that the stock SDK has no reason to know.
  const attributes = mine.attributes.filter(({ key }) => key !== 'seaworthy.correlation_id' && key !== 'password')
  assert.deepEqual(comparable({ ...mine, attributes }), comparable(other))
  assert.equal(ours.logs.length, 1)
})

for (const protocol of ['http/protobuf', 'grpc']) {
  test(`by OTLP, ${protocol}, gzip: log records arrive in the console with their trace, and without their secrets; metrics are refused in words, once`, (t) =>
    arrivesInConsole(t, protocol))
}

async function arrivesInConsole(t: TestContext, protocol: string): Promise<void> {
  const grpcPort = await freePort()
  const { url } = await startedConsole(t, { env: { SEAWORTHY_GRPC_PORT: String(grpcPort) } })
  const lines = await ran(OURS, {
    OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? `http://127.0.0.1:${grpcPort}` : url,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
  })
  const traceId = String(lines.find((line) => line['traceparent'] !== undefined)!['traceparent']).split('-')[1]!
  const refusals = lines.filter(({ msg }) => msg === 'the collector of metrics refused metrics')
  assert.equal(refusals.length, 1)
  assert.match(String(refusals[0]!['why']), /(?:501|gRPC's status 12).*console keeps no metrics/)

  const found = async () => ((await (await fetch(`${url}/api/logs?traceId=${traceId}`)).json()) as { logs: Record<string, unknown>[] }).logs
  let logs = await found()
  for (let endMs = performance.now() + 10_000; logs.length === 0 && performance.now() < endMs;) logs = await found()
  assert.equal(logs.length, 1)
  assert.partialDeepStrictEqual(logs[0], {
    service: 'orders',
    instance: 'orders-1',
    level: 'warn',
    message: 'order placed',
    correlationId: 'monday',
    traceId,
    fields: { orderId: 'o-1', totalCents: 1_499, express: true, items: ['a', 'b'], password: '[redacted]' },
  })
  let trace = await fetch(`${url}/api/traces/${traceId}`)
  for (let endMs = performance.now() + 10_000; trace.status === 404 && performance.now() < endMs;)
    trace = await fetch(`${url}/api/traces/${traceId}`)
  assert.match(await trace.text(), new RegExp(String(logs[0]!['spanId'])), 'the span that it was logged in')
}
