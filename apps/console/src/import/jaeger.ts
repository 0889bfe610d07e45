import type { AnyValue, KeyValue } from '../otlp/model.ts'
import { type Fields, fields, idOf, isFields, list, nanosOf, stringAttribute, text } from './fields.ts'

const KINDS: Readonly<Record<string, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }

/** Traces as Jaeger's query service, its user interface and its Elasticsearch store write them. */
export function isJaeger(value: unknown): boolean {
  return jaegerSpans(value).some(({ span }) => typeof span['spanID'] === 'string' && typeof span['operationName'] === 'string')
}

/** As a request of OTLP. What has no place there is kept as an attribute. */
export function fromJaeger(value: unknown): object {
  return {
    resourceSpans: jaegerSpans(value).map(({ span, process }) => ({
      resource: { attributes: [...stringAttribute('service.name', text(process['serviceName'])), ...attributes(process['tags'])] },
      scopeSpans: [{ spans: [otlpSpan(span)] }],
    })),
  }
}

interface FoundSpan {
  readonly span: Fields
  readonly process: Fields
}

function jaegerSpans(value: unknown): readonly FoundSpan[] {
  if (!isFields(value)) return []
  if (Array.isArray(value['data'])) return value['data'].flatMap(jaegerSpans)
  const processes = fields(value['processes'])
  if (!Array.isArray(value['spans'])) return [{ span: value, process: fields(value['process']) }]
  return value['spans'].filter(isFields).map((span) => {
    const process = span['process'] ?? processes[text(span['processID']) ?? '']
    return { span, process: fields(process) }
  })
}

function otlpSpan(span: Fields): object {
  const traceId = text(span['traceID']) ?? ''
  const tags = new Map(list(span['tags']).map((tag) => [text(fields(tag)['key']), fields(tag)]))
  const tag = (key: string) => text(tags.get(key)?.['value'])
  const references = list(span['references']).map(fields)
  const within = (reference: Fields) => text(reference['traceID']) === traceId
  const parent = references.find((each) => within(each) && each['refType'] === 'CHILD_OF') ?? references.find(within)
  const parentId = text(parent?.['spanID']) ?? text(span['parentSpanID'])
  const isError = tag('error') === 'true' || tag('otel.status_code') === 'ERROR'
  return {
    traceId: idOf(traceId, 32),
    spanId: idOf(text(span['spanID']) ?? '', 16),
    ...(parentId !== undefined && parentId !== '' && { parentSpanId: idOf(parentId, 16) }),
    name: text(span['operationName']) ?? '',
    kind: KINDS[tag('span.kind')?.toLowerCase() ?? ''] ?? 0,
    startTimeUnixNano: nanosOf(span['startTime']),
    endTimeUnixNano: nanosOf(Number(span['startTime']) + Number(span['duration'] ?? 0)),
    attributes: [
      ...attributes(span['tags']),
      // The name that OpenTelemetry has for it.
      ...(parent === undefined ? [] : stringAttribute('opentracing.ref_type', text(parent['refType'])?.toLowerCase())),
      ...list(span['warnings']).flatMap((warning) => stringAttribute('jaeger.warning', text(warning))),
    ],
    events: list(span['logs']).map((log) => {
      const found = attributes(fields(log)['fields'])
      const name = ['event', 'message'].flatMap((key) => found.find((each) => each.key === key)?.value?.stringValue ?? [])[0]
      return { timeUnixNano: nanosOf(fields(log)['timestamp']), name: name ?? 'log', attributes: found }
    }),
    links: references
      .filter((each) => each !== parent)
      .map((each) => ({ traceId: idOf(text(each['traceID']) ?? '', 32), spanId: idOf(text(each['spanID']) ?? '', 16) })),
    ...(isError && { status: { code: 2, message: tag('otel.status_description') ?? '' } }),
  }
}

function attributes(tags: unknown): readonly KeyValue[] {
  return list(tags)
    .map(fields)
    .flatMap((tag) => {
      const key = text(tag['key'])
      return key === undefined ? [] : [{ key, value: anyValue(tag) }]
    })
}

function anyValue({ type, value }: Fields): AnyValue {
  switch (type) {
    case 'bool':
      return { boolValue: value === true || value === 'true' }
    case 'int64':
      return { intValue: text(value) ?? '0' }
    case 'float64':
      return { doubleValue: Number(value) }
    case 'binary':
      return { bytesValue: text(value) ?? '' }
    default:
      return typeof value === 'boolean' ? { boolValue: value } : { stringValue: text(value) ?? JSON.stringify(value ?? null) }
  }
}
