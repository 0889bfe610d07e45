import { ProtobufError, ProtobufReader } from './protobuf-reader.ts'
import { bytesField, varintField } from './protobuf-writer.ts'

/** How a field is named in OTLP's JSON form and read from the wire. */
interface Field {
  readonly name: string
  readonly wireType: 0 | 1 | 2 | 5
  readonly isList?: true
  readonly read: (reader: ProtobufReader, depth: number) => unknown
}

type Message = Readonly<Record<number, Field>>

const text: Field['read'] = (reader) => reader.text()
const hex: Field['read'] = (reader) => reader.hex()
const number: Field['read'] = (reader) => reader.number()
// JSON carries 64-bit integers as decimal strings (protobuf.dev/programming-guides/json).
const time: Field['read'] = (reader) => reader.fixed64().toString()
const signed: Field['read'] = (reader) => reader.signed().toString()

const one = (name: string, wireType: Field['wireType'], read: Field['read']): Field => ({ name, wireType, read })
const nested = (name: string, message: () => Message): Field => ({
  name,
  wireType: 2,
  read: (reader, depth) => {
    const outerEnd = reader.enter()
    const value = decode(reader, message(), depth)
    reader.leave(outerEnd)
    return value
  },
})
const many = (name: string, message: () => Message): Field => ({ ...nested(name, message), isList: true })
// Read without the table below: of what a request holds they are nearly all.
const attributes = (name: string): Field => ({ name, wireType: 2, isList: true, read: (reader, depth) => keyValue(reader, depth) })

// Field numbers of opentelemetry-proto: common/v1/common.proto, resource/v1/resource.proto, trace/v1/trace.proto.
const ANY_VALUE: Message = {
  1: one('stringValue', 2, text),
  2: one('boolValue', 0, (reader) => reader.number() !== 0),
  3: one('intValue', 0, signed),
  4: one('doubleValue', 1, (reader) => reader.double()),
  5: nested('arrayValue', () => ({ 1: many('values', () => ANY_VALUE) })),
  6: nested('kvlistValue', () => ({ 1: attributes('values') })),
  7: one('bytesValue', 2, (reader) => reader.base64()),
}
const ATTRIBUTES = attributes('attributes')
const DROPPED_ATTRIBUTES = 'droppedAttributesCount'

const SCOPE: Message = { 1: one('name', 2, text), 2: one('version', 2, text), 3: ATTRIBUTES, 4: one(DROPPED_ATTRIBUTES, 0, number) }
const RESOURCE: Message = { 1: ATTRIBUTES, 2: one(DROPPED_ATTRIBUTES, 0, number) }
const EVENT: Message = { 1: one('timeUnixNano', 1, time), 2: one('name', 2, text), 3: ATTRIBUTES, 4: one(DROPPED_ATTRIBUTES, 0, number) }
const LINK: Message = {
  1: one('traceId', 2, hex),
  2: one('spanId', 2, hex),
  3: one('traceState', 2, text),
  4: ATTRIBUTES,
  5: one(DROPPED_ATTRIBUTES, 0, number),
  6: one('flags', 5, (reader) => reader.fixed32()),
}
const STATUS: Message = { 2: one('message', 2, text), 3: one('code', 0, number) }
const SPAN: Message = {
  1: one('traceId', 2, hex),
  2: one('spanId', 2, hex),
  3: one('traceState', 2, text),
  4: one('parentSpanId', 2, hex),
  5: one('name', 2, text),
  6: one('kind', 0, number),
  7: one('startTimeUnixNano', 1, time),
  8: one('endTimeUnixNano', 1, time),
  9: ATTRIBUTES,
  10: one(DROPPED_ATTRIBUTES, 0, number),
  11: many('events', () => EVENT),
  12: one('droppedEventsCount', 0, number),
  13: many('links', () => LINK),
  14: one('droppedLinksCount', 0, number),
  15: nested('status', () => STATUS),
  16: one('flags', 5, (reader) => reader.fixed32()),
}
const SCOPE_SPANS: Message = { 1: nested('scope', () => SCOPE), 2: many('spans', () => SPAN), 3: one('schemaUrl', 2, text) }
const RESOURCE_SPANS: Message = {
  1: nested('resource', () => RESOURCE),
  2: many('scopeSpans', () => SCOPE_SPANS),
  3: one('schemaUrl', 2, text),
}
const REQUEST: Message = { 1: many('resourceSpans', () => RESOURCE_SPANS) }

// logs/v1/logs.proto.
const LOG_RECORD: Message = {
  1: one('timeUnixNano', 1, time),
  2: one('severityNumber', 0, number),
  3: one('severityText', 2, text),
  5: nested('body', () => ANY_VALUE),
  6: ATTRIBUTES,
  7: one(DROPPED_ATTRIBUTES, 0, number),
  8: one('flags', 5, (reader) => reader.fixed32()),
  9: one('traceId', 2, hex),
  10: one('spanId', 2, hex),
  11: one('observedTimeUnixNano', 1, time),
  12: one('eventName', 2, text),
}
const SCOPE_LOGS: Message = { 1: nested('scope', () => SCOPE), 2: many('logRecords', () => LOG_RECORD), 3: one('schemaUrl', 2, text) }
const RESOURCE_LOGS: Message = {
  1: nested('resource', () => RESOURCE),
  2: many('scopeLogs', () => SCOPE_LOGS),
  3: one('schemaUrl', 2, text),
}
const LOGS_REQUEST: Message = { 1: many('resourceLogs', () => RESOURCE_LOGS) }

// A value may hold lists of values. A sender who nests them ten thousand deep means to break the stack.
const DEPTH_MAX = 64

/** How many spans a request in protobuf holds, found without decoding any: two bytes can be one. @throws ProtobufError */
export function countSpans(body: Buffer): number {
  return countItems(body)
}

/** The same for log records, which lie as deep and under the same numbers. @throws ProtobufError */
export function countLogRecords(body: Buffer): number {
  return countItems(body)
}

function countItems(body: Buffer): number {
  const reader = new ProtobufReader(body)
  return sumOf(reader, 1, () => sumOf(reader, 2, () => countOf(reader, 2)))
}

/** The sum of what the messages under a number come to. */
function sumOf(reader: ProtobufReader, fieldNumber: number, count: () => number): number {
  let sum = 0
  while (!reader.isAtEnd) {
    if (reader.field() !== fieldNumber || reader.wireType !== 2) {
      reader.skip()
      continue
    }
    const outerEnd = reader.enter()
    sum += count()
    reader.leave(outerEnd)
  }
  return sum
}

/** How many messages there are under a number, unread. */
function countOf(reader: ProtobufReader, fieldNumber: number): number {
  let count = 0
  while (!reader.isAtEnd) {
    if (reader.field() === fieldNumber && reader.wireType === 2) count++
    reader.skip()
  }
  return count
}

/** An `ExportTraceServiceRequest` in protobuf, as the object that its JSON form would be. @throws ProtobufError */
export function decodeTraceRequest(body: Buffer): unknown {
  return { resourceSpans: [], ...decode(new ProtobufReader(body), REQUEST, 0) }
}

/** An `ExportLogsServiceRequest` in protobuf, as the object that its JSON form would be. @throws ProtobufError */
export function decodeLogsRequest(body: Buffer): unknown {
  return { resourceLogs: [], ...decode(new ProtobufReader(body), LOGS_REQUEST, 0) }
}

function decode(reader: ProtobufReader, message: Message, depth: number): Record<string, unknown> {
  if (depth > DEPTH_MAX) throw new ProtobufError(`messages are nested more than ${DEPTH_MAX} deep`)
  const value: Record<string, unknown> = {}
  while (!reader.isAtEnd) decodeField(value, message[reader.field()], reader, depth)
  return value
}

function decodeField(value: Record<string, unknown>, field: Field | undefined, reader: ProtobufReader, depth: number): void {
  if (field === undefined || field.wireType !== reader.wireType) {
    reader.skip()
    return
  }
  const { name } = field
  const read = field.read(reader, depth + 1)
  if (field.isList !== true) value[name] = read
  else if (Array.isArray(value[name])) value[name].push(read)
  else value[name] = [read]
}

/** A `KeyValue`. */
function keyValue(reader: ProtobufReader, depth: number): { key?: string; value?: object } {
  const outerEnd = reader.enter()
  const pair: { key?: string; value?: object } = {}
  while (!reader.isAtEnd) {
    const number = reader.field()
    if (reader.wireType !== 2) reader.skip()
    else if (number === 1) pair.key = reader.text()
    else if (number === 2) pair.value = anyValue(reader, depth + 1)
    else reader.skip()
  }
  reader.leave(outerEnd)
  return pair
}

/** An `AnyValue`: most are texts. */
function anyValue(reader: ProtobufReader, depth: number): object {
  const outerEnd = reader.enter()
  const value: { stringValue?: string } = {}
  while (!reader.isAtEnd) {
    const number = reader.field()
    if (number === 1 && reader.wireType === 2) value.stringValue = reader.text()
    else decodeField(value, ANY_VALUE[number], reader, depth)
  }
  reader.leave(outerEnd)
  return value
}

/** An `ExportTraceServiceResponse`, or that of another signal, which has the same fields: nothing when all was taken. */
export function encodeExportResponse(rejected: number, why: string): Buffer {
  if (rejected === 0) return Buffer.alloc(0)
  return bytesField(1, Buffer.concat([varintField(1, rejected), bytesField(2, Buffer.from(why.slice(0, 1_000), 'utf8'))]))
}
