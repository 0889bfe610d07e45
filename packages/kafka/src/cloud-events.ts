import { type EventEnvelope, STRUCTURED_CLOUD_EVENT, cloudEventAttributes, structuredCloudEvent } from 'seaworthy/messaging'

/**
 * How an event lies on the wire: the Kafka protocol binding of CloudEvents 1.0.
 * - `structured`: the value is the whole CloudEvent as JSON.
 * - `binary`: the value is the data alone; the attributes are headers, `ce_id` and so on.
 */
export type ContentMode = 'structured' | 'binary'

/** What a record holds, apart from its place. */
export interface RecordContent {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[]
}

export interface EncodedEvent {
  readonly key: Buffer
  readonly value: Buffer
  readonly headers: Map<Buffer, Buffer>
}

const JSON_DATA = 'application/json'
const CONTENT_TYPE = Buffer.from('content-type')
const PREFIX = 'ce_'

// Of every event in structured mode; nobody writes to it.
const STRUCTURED_HEADERS = new Map([[CONTENT_TYPE, Buffer.from(STRUCTURED_CLOUD_EVENT)]])

export function encodeEvent(event: EventEnvelope, mode: ContentMode): EncodedEvent {
  const key = Buffer.from(event.key)
  if (mode === 'structured') return { key, value: Buffer.from(structuredCloudEvent(event)), headers: STRUCTURED_HEADERS }
  const headers = new Map([[CONTENT_TYPE, Buffer.from(JSON_DATA)]])
  for (const [name, value] of Object.entries(cloudEventAttributes(event))) {
    if (value !== undefined) headers.set(Buffer.from(PREFIX + name), Buffer.from(String(value)))
  }
  return { key, value: Buffer.from(JSON.stringify(event.data ?? null)), headers }
}

/**
 * The event that a record holds. A CloudEvent of somebody who does not know our extensions is one too: its key is the record's, it is of version 1, and it
 * begins a conversation of its own. Anything else comes back as it lies, for a person to look at.
 */
export function decodeEvent(record: RecordContent): unknown {
  const headers = new Map(record.headers.map(([name, value]) => [text(name), text(value)]))
  const contentType = headers.get('content-type')?.toLowerCase()
  const value = record.value === null ? undefined : jsonOf(record.value)
  if (contentType?.startsWith('application/cloudevents+json') === true || (contentType === undefined && isStructured(value?.json))) {
    return isStructured(value?.json) ? envelopeOf(value.json, record) : asItLies(record, headers)
  }
  if (headers.get('ce_specversion') !== '1.0') return asItLies(record, headers)
  const attributes: Record<string, unknown> = {}
  for (const [name, header] of headers) if (name.startsWith(PREFIX)) attributes[name.slice(PREFIX.length)] = header
  const data = record.value === null ? null : (value ?? { json: readable(record.value) }).json
  return envelopeOf({ ...attributes, version: numberOf(attributes['version']), data }, record)
}

function isStructured(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && (value as Record<string, unknown>)['specversion'] === '1.0'
}

function envelopeOf(attributes: Readonly<Record<string, unknown>>, { key }: RecordContent): unknown {
  const { id, source, type, time, partitionkey, sequence, version = 1, correlationid, causationid, data = null } = attributes
  const { traceparent, tracestate, baggage, actor } = attributes
  return {
    id,
    type,
    version,
    source,
    key: partitionkey ?? (key === null ? id : text(key)),
    sequence: sequence === undefined ? 0 : numberOf(sequence),
    time,
    correlationId: correlationid ?? id,
    ...(causationid !== undefined && { causationId: causationid }),
    ...(traceparent !== undefined && { traceparent }),
    ...(tracestate !== undefined && { tracestate }),
    ...(baggage !== undefined && { baggage }),
    ...(actor !== undefined && { actor }),
    data,
  }
}

function asItLies(record: RecordContent, headers: ReadonlyMap<string, string>): unknown {
  return {
    key: record.key === null ? null : readable(record.key),
    headers: Object.fromEntries(headers),
    value: record.value === null ? null : (jsonOf(record.value)?.json ?? readable(record.value)),
  }
}

/** A number that came as text; anything else as it came, for the check that follows. */
function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
}

function jsonOf(bytes: Buffer): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(bytes.toString()) }
  } catch {
    return undefined
  }
}

const strict = new TextDecoder('utf-8', { fatal: true })

/** Text, or base64 of what is none. */
function readable(bytes: Buffer): string {
  try {
    return strict.decode(bytes)
  } catch {
    return `base64:${bytes.toString('base64')}`
  }
}

function text(bytes: Buffer | null): string {
  return bytes === null ? '' : bytes.toString()
}
