import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { decodeTraceRequest, encodeExportResponse } from '../../src/otlp/decode-protobuf.ts'
import { ProtobufError } from '../../src/otlp/protobuf-reader.ts'

/** Writes protobuf by hand, so that the decoder is not tested against itself. */
const varint = (value: bigint): number[] => (value < 128n ? [Number(value)] : [Number(value % 128n) | 0x80, ...varint(value / 128n)])
const tagged = (field: number, wireType: number, bytes: readonly number[]): number[] => [...varint(BigInt(field * 8 + wireType)), ...bytes]
const delimited = (field: number, bytes: readonly number[]): number[] => tagged(field, 2, [...varint(BigInt(bytes.length)), ...bytes])
const text = (field: number, value: string): number[] => delimited(field, [...Buffer.from(value, 'utf8')])
const hex = (field: number, value: string): number[] => delimited(field, [...Buffer.from(value, 'hex')])
const fixed64 = (field: number, value: bigint): number[] => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return tagged(field, 1, [...bytes])
}
const double = (field: number, value: number): number[] => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return tagged(field, 1, [...bytes])
}
const keyValue = (field: number, key: string, value: readonly number[]): number[] =>
  delimited(field, [...text(1, key), ...delimited(2, value)])

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'

test('a request in protobuf reads as its JSON form would', () => {
  const span = [
    ...hex(1, TRACE_ID),
    ...hex(2, '00f067aa0ba902b7'),
    ...text(3, 'rojo=1'),
    ...hex(4, 'b7ad6b7169203331'),
    ...text(5, 'GET /ü'),
    ...tagged(6, 0, varint(2n)),
    ...fixed64(7, 1_795_438_250_000_000_001n),
    ...fixed64(8, 1_795_438_250_100_000_001n),
    ...keyValue(9, 'text', text(1, 'x')),
    ...keyValue(9, 'flag', tagged(2, 0, varint(1n))),
    ...keyValue(9, 'negative', tagged(3, 0, varint(BigInt.asUintN(64, -5n)))),
    ...keyValue(9, 'ratio', double(4, 0.5)),
    ...keyValue(9, 'list', delimited(5, [...delimited(1, text(1, 'a')), ...delimited(1, text(1, 'b'))])),
    ...keyValue(9, 'map', delimited(6, keyValue(1, 'k', text(1, 'v')))),
    ...keyValue(9, 'bytes', delimited(7, [1, 2, 3])),
    ...delimited(11, [...fixed64(1, 5n), ...text(2, 'exception')]),
    ...delimited(13, [...hex(1, TRACE_ID), ...hex(2, '00f067aa0ba902b7')]),
    ...delimited(15, [...text(2, 'no'), ...tagged(3, 0, varint(2n))]),
    ...tagged(16, 5, [1, 3, 0, 0]),
    // A field of a later version.
    ...text(99, 'news'),
  ]
  const scope = delimited(1, [...text(1, 'library'), ...text(2, '1.0')])
  const request = delimited(1, [
    ...delimited(1, keyValue(1, 'service.name', text(1, 'orders'))),
    ...delimited(2, [...scope, ...delimited(2, span)]),
    ...text(3, 'schema'),
  ])
  assert.deepEqual(decodeTraceRequest(Buffer.from(request)), {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'orders' } }] },
        scopeSpans: [
          {
            scope: { name: 'library', version: '1.0' },
            spans: [
              {
                traceId: TRACE_ID,
                spanId: '00f067aa0ba902b7',
                traceState: 'rojo=1',
                parentSpanId: 'b7ad6b7169203331',
                name: 'GET /ü',
                kind: 2,
                startTimeUnixNano: '1795438250000000001',
                endTimeUnixNano: '1795438250100000001',
                attributes: [
                  { key: 'text', value: { stringValue: 'x' } },
                  { key: 'flag', value: { boolValue: true } },
                  { key: 'negative', value: { intValue: '-5' } },
                  { key: 'ratio', value: { doubleValue: 0.5 } },
                  { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } } },
                  { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { stringValue: 'v' } }] } } },
                  { key: 'bytes', value: { bytesValue: 'AQID' } },
                ],
                events: [{ timeUnixNano: '5', name: 'exception' }],
                links: [{ traceId: TRACE_ID, spanId: '00f067aa0ba902b7' }],
                status: { message: 'no', code: 2 },
                flags: 769,
              },
            ],
          },
        ],
        schemaUrl: 'schema',
      },
    ],
  })
})

test('bytes that are no message are refused and never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeTraceRequest(Buffer.from(bytes))
      } catch (error) {
        assert.ok(error instanceof ProtobufError, String(error))
      }
    }),
    { numRuns: 500 },
  )
})

test('values nested without end are refused before the stack ends', () => {
  let value: number[] = []
  for (let depth = 0; depth < 100; depth++) value = delimited(5, delimited(1, value))
  const request = delimited(1, delimited(1, keyValue(1, 'deep', value)))
  assert.throws(() => decodeTraceRequest(Buffer.from(request)), ProtobufError)
})

test('an answer says nothing when all was taken, else how many were not and why', () => {
  assert.equal(encodeExportResponse(0, '').length, 0)
  assert.deepEqual([...encodeExportResponse(300, 'bad id')], delimited(1, [...tagged(1, 0, varint(300n)), ...text(2, 'bad id')]))
})
