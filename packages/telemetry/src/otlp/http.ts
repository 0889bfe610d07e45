import { ConfigurationError } from 'seaworthy/core'
import type { Transport } from '../export-queue.ts'
import { httpPost } from '../http-post.ts'
import type { WireOptions } from '../wire.ts'
import { partialSuccessInJson, partialSuccessInProtobuf } from './answers.ts'
import type { OtlpItems, OtlpProtocol, OtlpSignal } from './items.ts'
import { ENCODINGS, type Serialize, serializer } from './serializers.ts'

export interface OtlpHttpOptions<Signal extends OtlpSignal> extends WireOptions {
  readonly signal: Signal
  /** The whole address. */
  readonly url: string
  /** Default `http/json`. */
  readonly protocol?: Exclude<OtlpProtocol, 'grpc'> | undefined
}

/** OTLP over HTTP. @throws ConfigurationError when the URL is none */
export function otlpHttp<Signal extends OtlpSignal>(options: OtlpHttpOptions<Signal>): Transport<OtlpItems[Signal]> {
  const { signal, url, protocol = 'http/json', ...wire } = options
  const encoding = ENCODINGS[protocol]
  let serialize: Promise<Serialize<OtlpItems[Signal]>> | undefined
  const load = () => (serialize ??= serializer(signal, encoding))
  return httpPost<OtlpItems[Signal]>({
    ...wire,
    url: collectorUrl(url),
    contentType: encoding === 'json' ? 'application/json' : 'application/x-protobuf',
    load,
    encode: async (items) => (await load())(items),
    partial: encoding === 'json' ? partialSuccessInJson : partialSuccessInProtobuf,
  })
}

/** @throws ConfigurationError for what is no URL of HTTP */
export function collectorUrl(url: string): URL {
  const address = URL.parse(url)
  if (address?.protocol === 'http:' || address?.protocol === 'https:') return address
  throw new ConfigurationError(`"${url}" is no URL of an OTLP collector. Use one like http://127.0.0.1:4318.`)
}
