import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { ConfigurationError } from 'seaworthy/core'
import type { Transport } from './export-queue.ts'
import { httpPost } from './http-post.ts'
import type { WireOptions } from './wire.ts'
import { zipkinSpan } from './zipkin-span.ts'

export interface ZipkinHttpOptions extends WireOptions {
  /** The whole address, as OpenTelemetry says of OTEL_EXPORTER_ZIPKIN_ENDPOINT: `http://127.0.0.1:9411/api/v2/spans`. */
  readonly url: string
}

/** Zipkin's second format over HTTP. @throws ConfigurationError when the URL is none */
export function zipkinHttp({ url, ...options }: ZipkinHttpOptions): Transport<ReadableSpan> {
  return httpPost({
    ...options,
    url: spansUrl(url),
    contentType: 'application/json',
    encode: async (spans) => Buffer.from(JSON.stringify(spans.map(zipkinSpan))),
  })
}

function spansUrl(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new ConfigurationError(`"${text}" is no URL of a Zipkin server. Use one like http://127.0.0.1:9411/api/v2/spans.`)
}
