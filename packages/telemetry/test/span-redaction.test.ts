import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Attributes, SpanStatusCode, trace } from '@opentelemetry/api'
import { startTelemetry } from '../src/index.ts'
import { FakeCollector } from './fake-collector.ts'

/** Where a careless program puts a secret, by a name for it. */
const PLACES: Readonly<Record<string, (secret: string) => unknown>> = {
  'a list of texts': (s) => ['well', `Bearer ${s}`],
  'a list of addresses': (s) => [`https://ada:${s}@shop.test/`, `https://shop.test/?token=${s}`],
  'the arguments of a command': (s) => ['node', 'app.js', '--password', s, '--verbose'],
  'an argument with its name': (s) => [`--api-key=${s}`],
  'raw headers': (s) => ['Host', 'shop.test', 'Authorization', s, 'set-cookie', s],
  'a map': (s) => ({ user: 'ada', password: s }),
  'a map in a list in a map': (s) => ({ requests: [{ headers: { Cookie: s, accept: 'json' } }] }),
  'text in a map': (s) => ({ url: `https://ada:${s}@shop.test/` }),
  bytes: (s) => Buffer.from(`{"url":"https://ada:${s}@shop.test/"}`),
  'bytes in a map': (s) => ({ body: new Uint8Array(Buffer.from(`password=${s}&x=1`)) }),
}

const secretOf = (place: string) => `canary${Buffer.from(place).toString('hex').slice(0, 16)}`

async function sent(
  t: TestContext,
  work: () => void,
): Promise<{ readonly text: string; readonly spans: readonly Record<string, unknown>[] }> {
  const collector = await new FakeCollector().start()
  t.after(() => collector.stop())
  const telemetry = startTelemetry({
    service: 'orders',
    instance: 'orders-1',
    logLevel: 'silent',
    processFacts: false,
    destinations: [{ kind: 'otlp', url: collector.url, signals: ['traces'] }],
  })
  work()
  await telemetry.shutdown()
  return { text: JSON.stringify(collector.bodies), spans: collector.spans as unknown as readonly Record<string, unknown>[] }
}

/** Bytes leave in base64, in which a text begins at one of three places. */
function formsOf(secret: string): readonly string[] {
  const encoded = [0, 1, 2].map((before) =>
    Buffer.from(`${'x'.repeat(before)}${secret}`)
      .toString('base64')
      .slice(before + 1, -4),
  )
  return [secret, ...encoded]
}

test('no secret leaves in a list, a map or bytes: in attributes of spans, of their events and of their links', async (t) => {
  const attributes = (where: string): Attributes =>
    Object.fromEntries(Object.entries(PLACES).map(([place, plant]) => [`app.${place}`, plant(secretOf(`${where}${place}`)) as never]))
  const { text, spans } = await sent(t, () => {
    const other = { traceId: 'a1'.repeat(16), spanId: 'b2'.repeat(8), traceFlags: 1 }
    const span = trace.getTracer('somebody-else').startSpan('work', { links: [{ context: other, attributes: attributes('1') }] })
    span.setAttributes(attributes('2'))
    span.addEvent('asked', attributes('3'))
    span.end()
  })
  const [{ attributes: own, events, links }] = spans as [
    { attributes: object[]; events: { attributes: object[] }[]; links: { attributes: object[] }[] },
  ]
  const count = Object.keys(PLACES).length
  // In events OpenTelemetry's SDK takes no maps and no bytes.
  const lists = Object.values(PLACES).filter(
    (plant) => Array.isArray(plant('')) && (plant('') as unknown[]).every((item) => typeof item === 'string'),
  ).length
  const counts = [own.length, events[0]!.attributes.length, links[0]!.attributes.length]
  assert.deepEqual(counts, [count, lists, count], 'what did not leave proves nothing')
  const leaked = ['1', '2', '3'].flatMap((where) =>
    Object.keys(PLACES)
      .map((place) => `${where}${place}`)
      .filter((place) => formsOf(secretOf(place)).some((form) => text.includes(form))),
  )
  assert.deepEqual(leaked, [])
})

test('nor in the names of spans and events, nor in a status', async (t) => {
  const { text, spans } = await sent(t, () => {
    const span = trace.getTracer('somebody-else').startSpan('GET https://ada:canary-1@shop.test/')
    span.addEvent('sent Bearer canary-2-and-more')
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'login with password=canary-3 failed' })
    span.end()
  })
  assert.equal(spans[0]!['name'], 'GET https://ada:[redacted]@shop.test/')
  assert.doesNotMatch(text, /canary/)
})

test('what is no secret stays as it is, and what belongs to the program is not changed', async (t) => {
  const harmless = {
    texts: ['a', 'token of thanks', 'b'],
    numbers: [1, 2.5, -3],
    map: { user: 'ada', tags: ['x', 'y'], deep: { ok: true } },
    bytes: Buffer.from([0, 255, 128, 7]),
  }
  const args = ['--password', 'mine']
  const { spans } = await sent(t, () => {
    const span = trace.getTracer('somebody-else').startSpan('work')
    span.setAttributes({ ...harmless, args })
    span.end()
  })
  const attributes = Object.fromEntries((spans[0]!['attributes'] as { key: string; value: object }[]).map(({ key, value }) => [key, value]))
  const list = (...values: object[]) => ({ arrayValue: { values } })
  assert.deepEqual(attributes, {
    texts: list({ stringValue: 'a' }, { stringValue: 'token of thanks' }, { stringValue: 'b' }),
    numbers: list({ intValue: 1 }, { doubleValue: 2.5 }, { intValue: -3 }),
    map: {
      kvlistValue: {
        values: [
          { key: 'user', value: { stringValue: 'ada' } },
          { key: 'tags', value: list({ stringValue: 'x' }, { stringValue: 'y' }) },
          { key: 'deep', value: { kvlistValue: { values: [{ key: 'ok', value: { boolValue: true } }] } } },
        ],
      },
    },
    bytes: { bytesValue: 'AP+ABw==' },
    args: list({ stringValue: '--password' }, { stringValue: '[redacted]' }),
  })
  assert.deepEqual(args, ['--password', 'mine'])
})
