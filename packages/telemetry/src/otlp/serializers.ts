import type { ISerializer } from '@opentelemetry/otlp-transformer'
import type { OtlpItems, OtlpProtocol, OtlpSignal } from './items.ts'
import { metricsProtobuf } from './metrics-protobuf.ts'
import type { MetricsMoment } from './metrics.ts'
import { spansJson } from './spans-json.ts'

export type Encoding = 'json' | 'protobuf'

export const ENCODINGS: Readonly<Record<OtlpProtocol, Encoding>> = { grpc: 'protobuf', 'http/json': 'json', 'http/protobuf': 'protobuf' }

/** Writes the body of a request. @throws when they cannot be written */
export type Serialize<Item> = (items: readonly Item[]) => Uint8Array

type Serializers = { readonly [Signal in OtlpSignal]: Readonly<Record<Encoding, () => Promise<Serialize<OtlpItems[Signal]>>>> }

// OpenTelemetry's are loaded with the first batch, because that costs a third of the whole import and nothing has to be sent while a process starts.
const transformer = () => import('@opentelemetry/otlp-transformer')

const SERIALIZERS: Serializers = {
  traces: {
    // Spans are what most of an export is, and written as text by code of our own.
    json: async () => (spans) => Buffer.from(spansJson(spans)),
    protobuf: async () => written((await transformer()).ProtobufTraceSerializer),
  },
  metrics: {
    json: async () => single((moment) => Buffer.from(JSON.stringify(moment))),
    protobuf: async () => single(metricsProtobuf),
  },
  logs: {
    json: async () => written((await transformer()).JsonLogsSerializer),
    protobuf: async () => written((await transformer()).ProtobufLogsSerializer),
  },
}

export function serializer<Signal extends OtlpSignal>(signal: Signal, encoding: Encoding): Promise<Serialize<OtlpItems[Signal]>> {
  return SERIALIZERS[signal][encoding]()
}

function written<Item>({ serializeRequest }: Pick<ISerializer<Item[], object>, 'serializeRequest'>): Serialize<Item> {
  return (items) => {
    const body = serializeRequest([...items])
    if (body === undefined) throw new Error('the serializer gave nothing')
    return body
  }
}

/** All metrics of a moment are one item, and one request. */
function single(write: (moment: MetricsMoment) => Uint8Array): Serialize<MetricsMoment> {
  return ([moment]) => {
    if (moment === undefined) throw new Error('there are no metrics')
    return write(moment)
  }
}
