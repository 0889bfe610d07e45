import { ConfigurationError } from 'seaworthy/core'
import { type JsonPostOptions, jsonPost } from './json-post.ts'
import { otlpJson } from './otlp-json.ts'
import type { SpanTransport } from './span-queue.ts'

export interface OtlpHttpOptions extends Pick<JsonPostOptions, 'headers' | 'timeoutMs'> {
  /** The collector's base URL; `/v1/traces` is appended, as the OTLP specification says of OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string
}

/** OTLP over HTTP with JSON. @throws ConfigurationError when the URL is none */
export function otlpHttp({ url, ...options }: OtlpHttpOptions): SpanTransport {
  return jsonPost({ ...options, url: tracesUrl(url), encode: otlpJson, partial: partialSuccess })
}

function tracesUrl(base: string): URL {
  try {
    return new URL(`${base.replace(/\/+$/, '')}/v1/traces`)
  } catch (cause) {
    throw new ConfigurationError(`"${base}" is no URL of an OTLP collector. Use one like http://127.0.0.1:4318.`, { cause })
  }
}

/** What a collector says of spans that it did not take although it took the request (ExportTracePartialSuccess). */
function partialSuccess(text: string): { rejected: number; why: string } {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: { rejectedSpans?: number | string; errorMessage?: string } }
    return { rejected: Number(partialSuccess?.rejectedSpans ?? 0) || 0, why: partialSuccess?.errorMessage ?? '' }
  } catch {
    return { rejected: 0, why: '' }
  }
}
