import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort, startedConsole } from './started-console.ts'

const PROGRAM = fileURLToPath(new URL('stock-sdk-process.ts', import.meta.url))

interface OtlpSpan {
  readonly name: string
  readonly spanId: string
  readonly attributes: readonly { key: string; value: unknown }[]
  readonly events?: readonly { readonly name: string; readonly timeUnixNano: string; readonly attributes: readonly { key: string }[] }[]
}
interface OtlpTrace {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { key: string; value: unknown }[] }
    readonly scopeSpans: readonly { readonly scope: object; readonly spans: readonly OtlpSpan[] }[]
  }[]
}

async function fromStockSdk(t: TestContext, wire: 'grpc' | 'http'): Promise<void> {
  const grpcPort = await freePort()
  const { url } = await startedConsole(t, { env: { SEAWORTHY_GRPC_PORT: String(grpcPort) } })
  const args = ['--disable-warning=ExperimentalWarning', PROGRAM, wire, wire === 'grpc' ? `http://127.0.0.1:${grpcPort}` : url]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const traceId = stdout.trim()
  assert.match(traceId, /^[0-9a-f]{32}$/)
  let trace = await exported(url, traceId)
  for (let endMs = performance.now() + 10_000; spansOf(trace).length < 1_002 && performance.now() < endMs;)
    trace = await exported(url, traceId)

  assert.equal(spansOf(trace).length, 1_002, 'every span')
  const [only, ...others] = trace.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.map(({ scope }) => scope))
  assert.deepEqual([only, others], [{ name: 'stock-library', version: '1.2.3' }, []])
  const attributesOf = (attributes: readonly { key: string; value: unknown }[]) =>
    Object.fromEntries(attributes.map(({ key, value }) => [key, value]))
  const resource = attributesOf(trace.resourceSpans[0]!.resource.attributes)
  assert.deepEqual(resource['service.name'], { stringValue: 'stock' })
  assert.deepEqual(resource['telemetry.sdk.language'], { stringValue: 'nodejs' })

  const root = spansOf(trace).find(({ name }) => name === 'root')!
  assert.partialDeepStrictEqual(root, {
    traceId,
    kind: 2,
    startTimeUnixNano: '1795438250123456789',
    endTimeUnixNano: '1795438251000000001',
    status: { code: 1 },
  })
  const child = spansOf(trace).find(({ name }) => name === 'child')!
  assert.partialDeepStrictEqual(child, {
    traceId,
    parentSpanId: root.spanId,
    kind: 3,
    startTimeUnixNano: '1795438250200000000',
    endTimeUnixNano: '1795438250300000002',
    status: { code: 2, message: 'gave up' },
    links: [
      {
        traceId: '11111111111111111111111111111111',
        spanId: '2222222222222222',
        attributes: [{ key: 'why', value: { stringValue: 'batch' } }],
      },
    ],
  })
  const values = (...all: object[]) => ({ arrayValue: { values: all } })
  assert.deepEqual(attributesOf(child.attributes), {
    text: { stringValue: 'ünïcode' },
    yes: { boolValue: true },
    no: { boolValue: false },
    whole: { intValue: '42' },
    negative: { intValue: '-7' },
    large: { intValue: String(Number.MAX_SAFE_INTEGER) },
    ratio: { doubleValue: 0.125 },
    texts: values({ stringValue: 'a' }, { stringValue: 'b' }),
    wholes: values({ intValue: '1' }, { intValue: '2' }, { intValue: '3' }),
    flags: values({ boolValue: true }, { boolValue: false }),
    empty: { stringValue: '' },
  })
  assert.deepEqual(
    child.events?.map(({ name, timeUnixNano }) => [name, timeUnixNano]),
    [
      ['retry', '1795438250250000001'],
      ['exception', '1795438250300000000'],
    ],
  )
  assert.deepEqual(child.events?.[1]?.attributes.map(({ key }) => key).toSorted(), [
    'exception.message',
    'exception.stacktrace',
    'exception.type',
  ])

  // Into another console, and out again: the same.
  const second = await startedConsole(t)
  const body = JSON.stringify(trace)
  const imported = await fetch(`${second.url}/api/import`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  assert.partialDeepStrictEqual(await imported.json(), { format: 'otlp', spans: 1_002, rejected: 0 })
  assert.deepEqual(sorted(await exported(second.url, traceId)), sorted(trace))
}

async function exported(url: string, traceId: string): Promise<OtlpTrace> {
  const response = await fetch(`${url}/api/traces/${traceId}`)
  return response.ok ? ((await response.json()) as OtlpTrace) : { resourceSpans: [] }
}

function spansOf({ resourceSpans }: OtlpTrace): readonly OtlpSpan[] {
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
}

function sorted(trace: OtlpTrace): readonly unknown[] {
  return spansOf(trace).toSorted((one, other) => one.spanId.localeCompare(other.spanId))
}

test('what the stock OpenTelemetry SDK sends over gRPC shows up whole, and leaves as it came', (t) => fromStockSdk(t, 'grpc'))

test('what the stock OpenTelemetry SDK sends over HTTP in protobuf shows up whole, and leaves as it came', (t) => fromStockSdk(t, 'http'))
