import type { ISerializer, JsonLogsSerializer, JsonMetricsSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { ConfigurationError } from 'seaworthy/core'
import type { Transport } from './export-queue.ts'
import { type HttpPostOptions, httpPost } from './http-post.ts'
import { otlpJson } from './otlp-json.ts'

/** A log record and all metrics of a moment, as OpenTelemetry's own serializers take them. */
export type ReadableLogRecord = Parameters<(typeof JsonLogsSerializer)['serializeRequest']>[0][number]
export type ResourceMetrics = Parameters<(typeof JsonMetricsSerializer)['serializeRequest']>[0]

/** What goes out by OTLP, by signal. */
export interface OtlpItems {
  readonly traces: ReadableSpan
  readonly metrics: ResourceMetrics
  readonly logs: ReadableLogRecord
}

export type OtlpSignal = keyof OtlpItems

export const OTLP_SIGNALS: readonly OtlpSignal[] = ['traces', 'metrics', 'logs']

/** How a request's body is written. Both say the same. */
export type OtlpProtocol = 'http/json' | 'http/protobuf'

export interface OtlpHttpOptions<Signal extends OtlpSignal> extends Pick<HttpPostOptions<unknown>, 'headers' | 'timeoutMs'> {
  readonly signal: Signal
  /** The whole address. */
  readonly url: string
  readonly protocol?: OtlpProtocol | undefined
}

const CONTENT_TYPES: Readonly<Record<OtlpProtocol, string>> = {
  'http/json': 'application/json',
  'http/protobuf': 'application/x-protobuf',
}

/** OTLP over HTTP. @throws ConfigurationError when the URL is none */
export function otlpHttp<Signal extends OtlpSignal>(options: OtlpHttpOptions<Signal>): Transport<OtlpItems[Signal]> {
  const { signal, url, protocol = 'http/json', headers, timeoutMs } = options
  let serializer: Serializer<OtlpItems[Signal]> | undefined
  const load = async () => (serializer ??= await serializerOf(signal, protocol))
  return httpPost<OtlpItems[Signal]>({
    url: parsed(url),
    headers,
    timeoutMs,
    contentType: CONTENT_TYPES[protocol],
    load,
    encode: async (items) => {
      const body = (await load()).serializeRequest(items)
      if (body === undefined) throw new Error('the serializer gave nothing')
      return body
    },
    partial: (answer) => partialSuccess(serializer!, answer),
  })
}

function parsed(url: string): URL {
  const address = URL.parse(url)
  if (address?.protocol === 'http:' || address?.protocol === 'https:') return address
  throw new ConfigurationError(`"${url}" is no URL of an OTLP collector. Use one like http://127.0.0.1:4318.`)
}

type Serializer<Item> = ISerializer<readonly Item[], ExportAnswer>
type Serializers = { readonly [Signal in OtlpSignal]: Readonly<Record<OtlpProtocol, Serializer<OtlpItems[Signal]>>> }

/** Of all signals: each has a name of its own for what was not taken. */
interface ExportAnswer {
  readonly partialSuccess?: Readonly<Record<string, number | string | undefined>>
}

/** Spans are what most of an export is, and written as text by code of our own. */
const SPANS_AS_JSON: Serializer<ReadableSpan> = {
  serializeRequest: (spans) => Buffer.from(otlpJson(spans)),
  deserializeResponse: (answer) => JSON.parse(Buffer.from(answer).toString()) as ExportAnswer,
}

// OpenTelemetry's are loaded with the first batch, because that costs a third of the whole import and nothing has to be sent while a process starts.
async function serializerOf<Signal extends OtlpSignal>(signal: Signal, protocol: OtlpProtocol): Promise<Serializer<OtlpItems[Signal]>> {
  if (signal === 'traces' && protocol === 'http/json') return SPANS_AS_JSON as Serializer<OtlpItems[Signal]>
  const otlp = await import('@opentelemetry/otlp-transformer')
  const serializers: Serializers = {
    traces: { 'http/json': SPANS_AS_JSON, 'http/protobuf': many(otlp.ProtobufTraceSerializer) },
    metrics: { 'http/json': one(otlp.JsonMetricsSerializer), 'http/protobuf': one(otlp.ProtobufMetricsSerializer) },
    logs: { 'http/json': many(otlp.JsonLogsSerializer), 'http/protobuf': many(otlp.ProtobufLogsSerializer) },
  }
  return serializers[signal][protocol]
}

function many<Item>(serializer: ISerializer<Item[], object>): Serializer<Item> {
  return { ...answering(serializer), serializeRequest: (items) => serializer.serializeRequest([...items]) }
}

/** All metrics of a moment are one item, and one request. */
function one<Item>(serializer: ISerializer<Item, object>): Serializer<Item> {
  return { ...answering(serializer), serializeRequest: ([item]) => (item === undefined ? undefined : serializer.serializeRequest(item)) }
}

function answering<Request>(serializer: ISerializer<Request, object>): Pick<Serializer<unknown>, 'deserializeResponse'> {
  return { deserializeResponse: (answer) => serializer.deserializeResponse(answer) }
}

/** What a collector says of items that it did not take although it took the request. */
function partialSuccess<Item>(serializer: Serializer<Item>, answer: Uint8Array): { rejected: number; why: string } {
  try {
    const { errorMessage = '', ...counts } = serializer.deserializeResponse(answer).partialSuccess ?? {}
    const rejected = Object.entries(counts).find(([name]) => name.startsWith('rejected'))?.[1]
    return { rejected: Number(rejected ?? 0) || 0, why: String(errorMessage) }
  } catch {
    return { rejected: 0, why: '' }
  }
}
