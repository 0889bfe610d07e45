import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { type EventEnvelope, assertEnvelope } from 'seaworthy/messaging'
import { type EncodedEvent, type RecordContent, decodeEvent, encodeEvent } from '../src/cloud-events.ts'

const event: EventEnvelope = {
  id: '0190',
  type: 'order.placed',
  version: 2,
  source: 'orders',
  key: 'Ærø 🚢',
  sequence: 17,
  time: '2026-01-01T00:00:00.000Z',
  correlationId: 'c',
  causationId: 'b',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  data: { totalCents: 1_999 },
}

void suite('an event on the wire', () => {
  test('is a CloudEvent in structured content mode', () => {
    const { key, value, headers } = encodeEvent(event, 'structured')
    assert.equal(key.toString(), 'Ærø 🚢')
    assert.deepEqual(texts(headers), { 'content-type': 'application/cloudevents+json; charset=utf-8' })
    assert.deepEqual(JSON.parse(value.toString()), {
      specversion: '1.0',
      id: '0190',
      source: 'orders',
      type: 'order.placed',
      time: '2026-01-01T00:00:00.000Z',
      partitionkey: 'Ærø 🚢',
      sequence: '0000000000000017',
      version: 2,
      correlationid: 'c',
      causationid: 'b',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      datacontenttype: 'application/json',
      data: { totalCents: 1_999 },
    })
  })

  test('is its data alone in binary content mode, with the attributes as headers', () => {
    const { value, headers } = encodeEvent(event, 'binary')
    assert.equal(value.toString(), '{"totalCents":1999}')
    assert.deepEqual(texts(headers), {
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: '0190',
      ce_source: 'orders',
      ce_type: 'order.placed',
      ce_time: '2026-01-01T00:00:00.000Z',
      ce_partitionkey: 'Ærø 🚢',
      ce_sequence: '0000000000000017',
      ce_version: '2',
      ce_correlationid: 'c',
      ce_causationid: 'b',
      ce_traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    })
  })

  test('names attributes as CloudEvents wants them: small letters and digits', () => {
    const full = { ...event, tracestate: 'a=b', baggage: 'c=d', actor: 'somebody' }
    for (const name of Object.keys(texts(encodeEvent(full, 'binary').headers))) assert.match(name, /^(?:content-type|ce_[a-z0-9]+)$/)
  })

  test('comes back as it was, in both modes, whatever it holds', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    const optional = fc.option(text, { nil: undefined })
    const envelopes = fc
      .record({
        id: text,
        type: text,
        version: fc.integer({ min: 1 }),
        source: text,
        key: text,
        sequence: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        time: text,
        correlationId: text,
        causationId: optional,
        traceparent: optional,
        tracestate: optional,
        baggage: optional,
        actor: optional,
        data: fc.jsonValue(),
      })
      .map((envelope) => JSON.parse(JSON.stringify(envelope)) as EventEnvelope)
    fc.assert(
      fc.property(envelopes, fc.constantFrom('structured', 'binary'), (envelope, mode) => {
        assert.deepEqual(decodeEvent(asRecord(encodeEvent(envelope, mode))), envelope)
      }),
    )
  })

  test('of somebody who knows CloudEvents and nothing of us is an event too', () => {
    const attributes = { specversion: '1.0', id: 'x', source: '/other', type: 'thing.done', time: '2026-01-01T00:00:00Z' }
    const structured = record({
      value: JSON.stringify({ ...attributes, data: [1] }),
      headers: { 'content-type': 'application/cloudevents+json' },
    })
    const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value]))
    const binary = record({ value: '[1]', headers: { ...headers, 'content-type': 'application/json' } })
    for (const came of [structured, binary]) {
      const decoded = decodeEvent(came)
      assertEnvelope(decoded)
      const { correlationId, key, version, sequence, data } = decoded
      assert.deepEqual(
        { correlationId, key, version, sequence, data },
        { correlationId: 'x', key: 'k', version: 1, sequence: 0, data: [1] },
      )
    }
  })
})

void suite('a record that is no event', () => {
  const cases: readonly [string, RecordContent, unknown][] = [
    ['JSON of another shape', record({ value: '{"a":1}' }), { key: 'k', headers: {}, value: { a: 1 } }],
    ['text', record({ value: 'hello', headers: { h: 'v' } }), { key: 'k', headers: { h: 'v' }, value: 'hello' }],
    [
      'bytes that are no text',
      { ...record({ value: '' }), value: Buffer.from([0xff, 0xfe]) },
      { key: 'k', headers: {}, value: 'base64://4=' },
    ],
    ['a tombstone', { key: Buffer.from('k'), value: null, headers: [] }, { key: 'k', headers: {}, value: null }],
    ['one without a key', { key: null, value: Buffer.from('1'), headers: [] }, { key: null, headers: {}, value: 1 }],
    [
      'one that says it is a CloudEvent and is none',
      record({ value: 'x', headers: { 'content-type': 'application/cloudevents+json' } }),
      { key: 'k', headers: { 'content-type': 'application/cloudevents+json' }, value: 'x' },
    ],
    [
      'a header without a value',
      { key: null, value: null, headers: [[Buffer.from('h'), null]] },
      { key: null, headers: { h: '' }, value: null },
    ],
  ]
  for (const [what, came, expected] of cases) {
    test(`comes as it lies: ${what}`, () => {
      assert.deepEqual(decodeEvent(came), expected)
      assert.throws(() => assertEnvelope(decodeEvent(came)), { code: 'invalid-input' })
    })
  }

  test('as a CloudEvent whose data is no JSON keeps its data as text, for its handler to judge', () => {
    const headers = { ce_specversion: '1.0', ce_id: 'x', ce_source: 's', ce_type: 't', ce_time: 'now', 'content-type': 'text/plain' }
    assert.deepEqual((decodeEvent(record({ value: 'plain text', headers })) as EventEnvelope).data, 'plain text')
  })

  test('never ends the reading, whatever its bytes are', () => {
    const bytes = fc.option(fc.uint8Array().map((array) => Buffer.from(array)))
    const contents = fc.record({ key: bytes, value: bytes, headers: fc.array(fc.tuple(bytes, bytes)) })
    fc.assert(fc.property(contents, (content) => void JSON.stringify(decodeEvent(content))))
  })
})

function record({ value, headers = {} }: { value: string; headers?: Readonly<Record<string, string>> }): RecordContent {
  return {
    key: Buffer.from('k'),
    value: Buffer.from(value),
    headers: Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)] as const),
  }
}

function asRecord({ key, value, headers }: EncodedEvent): RecordContent {
  return { key, value, headers: [...headers] }
}

function texts(headers: ReadonlyMap<Buffer, Buffer>): Record<string, string> {
  return Object.fromEntries([...headers].map(([name, value]) => [name.toString(), value.toString()]))
}
