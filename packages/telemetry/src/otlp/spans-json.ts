import { type Attributes, type HrTime, type SpanContext, SpanStatusCode } from '@opentelemetry/api'
import type { InstrumentationScope } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'

/**
 * Spans as an `ExportTraceServiceRequest` in OTLP's JSON form (opentelemetry-proto 1.x, "JSON Protobuf Encoding"). What has its default, such as no events and nothing
 * dropped, is left out, as protobuf does.
 *
 * Text is put to text: an object for each attribute, to be turned into text afterwards, cost more than all else of a recorded request's span.
 */
export function spansJson(spans: readonly ReadableSpan[]): string {
  const resources = new Map<Resource, Map<InstrumentationScope, string[]>>()
  for (const span of spans) {
    const scopes = valueOf(resources, span.resource, () => new Map<InstrumentationScope, string[]>())
    valueOf(scopes, span.instrumentationScope, (): string[] => []).push(spanJson(span))
  }
  const resourceSpans = Array.from(resources, ([resource, scopes]) => {
    const scopeSpans = Array.from(
      scopes,
      ([scope, written]) => `{"scope":${scopeJson(scope)},"spans":[${written.join(',')}]${schemaUrl(scope)}}`,
    )
    return `{"resource":{"attributes":${attributesJson(resource.attributes)}},"scopeSpans":[${scopeSpans.join(',')}]${schemaUrl(resource)}}`
  })
  return `{"resourceSpans":[${resourceSpans.join(',')}]}`
}

function valueOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

function spanJson(span: ReadableSpan): string {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  const { parentSpanContext: parent, status, events, links } = span
  const state = traceState?.serialize()
  let json = `{"traceId":"${traceId}","spanId":"${spanId}"`
  if (state !== undefined && state !== '') json += `,"traceState":${JSON.stringify(state)}`
  if (parent !== undefined) json += `,"parentSpanId":"${parent.spanId}"`
  // OTLP counts kinds from one: zero is a sender that does not know.
  json += `,"name":${JSON.stringify(span.name)},"kind":${span.kind + 1},"startTimeUnixNano":"${nanos(span.startTime)}","endTimeUnixNano":"${nanos(span.endTime)}","attributes":${attributesJson(span.attributes)}`
  json += dropped('Attributes', span.droppedAttributesCount)
  if (events.length > 0) json += `,"events":[${events.map(eventJson).join(',')}]`
  json += dropped('Events', span.droppedEventsCount)
  if (links.length > 0) json += `,"links":[${links.map(linkJson).join(',')}]`
  json += dropped('Links', span.droppedLinksCount)
  if (status.code !== SpanStatusCode.UNSET) json += `,"status":${statusJson(status)}`
  return `${json},"flags":${flags(traceFlags, parent)}}`
}

function eventJson({ name, time, attributes = {}, droppedAttributesCount }: ReadableSpan['events'][number]): string {
  return `{"timeUnixNano":"${nanos(time)}","name":${JSON.stringify(name)},"attributes":${attributesJson(attributes)}${dropped('Attributes', droppedAttributesCount)}}`
}

function linkJson({ context, attributes = {}, droppedAttributesCount }: ReadableSpan['links'][number]): string {
  const state = context.traceState?.serialize()
  const stateJson = state === undefined || state === '' ? '' : `,"traceState":${JSON.stringify(state)}`
  // Whoever makes a link may have its ids from anywhere.
  return `{"traceId":${JSON.stringify(context.traceId)},"spanId":${JSON.stringify(context.spanId)}${stateJson},"attributes":${attributesJson(attributes)}${dropped('Attributes', droppedAttributesCount)},"flags":${flags(context.traceFlags, context)}}`
}

function statusJson({ code, message }: ReadableSpan['status']): string {
  return message === undefined ? `{"code":${code}}` : `{"code":${code},"message":${JSON.stringify(message)}}`
}

function scopeJson({ name, version, attributes }: InstrumentationScope & { readonly attributes?: Attributes }): string {
  const versionJson = version === undefined ? '' : `,"version":${JSON.stringify(version)}`
  const attributesOfScope = attributes === undefined ? '' : `,"attributes":${attributesJson(attributes)}`
  return `{"name":${JSON.stringify(name)}${versionJson}${attributesOfScope}}`
}

function schemaUrl({ schemaUrl: url }: { readonly schemaUrl?: string | undefined }): string {
  return url === undefined || url === '' ? '' : `,"schemaUrl":${JSON.stringify(url)}`
}

function dropped(what: 'Attributes' | 'Events' | 'Links', count: number | undefined): string {
  return count === undefined || count === 0 ? '' : `,"dropped${what}Count":${count}`
}

/** `SpanFlags`: the eight bits of W3C, and whether the other span is known to be of another process. */
function flags(traceFlags: number, other: SpanContext | undefined): number {
  return (traceFlags & 0xff) | 0x100 | (other?.isRemote === true ? 0x200 : 0)
}

/** Nanoseconds since the epoch as digits: more than a double holds. */
function nanos([seconds, rest]: HrTime): string {
  // The SDK rounds, and may so come to a whole second.
  if (rest >= 1e9) return nanos([seconds + 1, rest - 1e9])
  return seconds === 0 ? String(rest) : `${seconds}${String(Math.trunc(rest)).padStart(9, '0')}`
}

const KEYS_MAX = 1_000
/** Keys are few and in every span: what comes before their values, by key. */
const keys = new Map<string, string>()

function keyJson(key: string): string {
  let json = keys.get(key)
  if (json === undefined) {
    json = `{"key":${JSON.stringify(key)},"value":`
    if (keys.size >= KEYS_MAX) keys.clear()
    keys.set(key, json)
  }
  return json
}

function attributesJson(attributes: Attributes): string {
  let json = '['
  for (const key in attributes) {
    const value = attributes[key]
    if (value !== undefined) json += `${json === '[' ? '' : ','}${keyJson(key)}${valueJson(value)}}`
  }
  return `${json}]`
}

function valueJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `{"stringValue":${JSON.stringify(value)}}`
    case 'number':
      if (Number.isSafeInteger(value)) return `{"intValue":${value}}`
      // Infinity and NaN are text in protobuf's JSON.
      return Number.isFinite(value) ? `{"doubleValue":${value}}` : `{"doubleValue":"${value}"}`
    case 'boolean':
      return `{"boolValue":${value}}`
    case 'object':
      return value === null ? '{}' : compositeJson(value)
    default:
      return '{}'
  }
}

/** The SDK lets in no cycles. */
function compositeJson(value: object): string {
  if (value instanceof Uint8Array) return `{"bytesValue":"${Buffer.from(value).toString('base64')}"}`
  if (Array.isArray(value)) return `{"arrayValue":{"values":[${value.map(valueJson).join(',')}]}}`
  return `{"kvlistValue":{"values":${attributesJson(value as Attributes)}}}`
}
