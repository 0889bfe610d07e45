import { createHash } from 'node:crypto'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { comparableHeaders, type HeaderLine, type HeaderRules, isJsonType } from './answer-headers.ts'
import { type Json, type JsonObject, parseJson } from './json.ts'

/** An answer as it came from one side. */
export interface ReceivedAnswer {
  readonly status: number
  readonly headers: readonly HeaderLine[]
  /** `too-large` where it was longer than is kept: then status and headers alone are compared. */
  readonly body: Uint8Array | 'too-large'
  /** When it came, on the wall clock: what a field tells of the time is measured against it. */
  readonly atMs: number
}

/** An answer as a tree, which is compared field by field: `status`, `header`, and `body` (JSON) or `bytes` (anything else). */
export interface ComparableAnswer {
  readonly content: JsonObject
  readonly atMs: number
  readonly status: number
  /** Its body was too large to be kept. */
  readonly isBodyLeftOut: boolean
}

// What a small body may unpack to.
const UNPACKED_BYTES_MAX = 8 << 20

export function comparableAnswer(received: ReceivedAnswer, rules: HeaderRules = {}): ComparableAnswer {
  const { status, headers, body, atMs } = received
  const isBodyLeftOut = body === 'too-large'
  const content = {
    status: String(status),
    header: comparableHeaders(headers, rules),
    ...(!isBodyLeftOut && body.length > 0 && contentOf(body, headers)),
  }
  return { content, atMs, status, isBodyLeftOut }
}

function contentOf(body: Uint8Array, headers: readonly HeaderLine[]): JsonObject {
  const { bytes, isPacked } = unpacked(body, lastOf(headers, 'content-encoding') ?? 'identity')
  const [type = '', ...parameters] = (lastOf(headers, 'content-type') ?? '').toLowerCase().split(';')
  if (!isPacked && isJsonType(type.trim())) {
    const parsed = jsonOf(bytes, parameters)
    if (parsed !== undefined) return { body: parsed }
  }
  return { bytes: { length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') } }
}

/** @returns undefined where it is no JSON: then the two bodies are compared as bytes */
function jsonOf(bytes: Uint8Array, parameters: readonly string[]): Json | undefined {
  const charset = parameters.map((parameter) => /^\s*charset="?([\w-]+)/.exec(parameter)?.[1]).find((found) => found !== undefined)
  try {
    return parseJson(new TextDecoder(charset ?? 'utf-8').decode(bytes))
  } catch {
    return undefined
  }
}

function unpacked(body: Uint8Array, encoding: string): { readonly bytes: Uint8Array; readonly isPacked: boolean } {
  const options = { maxOutputLength: UNPACKED_BYTES_MAX }
  try {
    switch (encoding.toLowerCase()) {
      case 'identity':
        return { bytes: body, isPacked: false }
      case 'gzip':
      case 'x-gzip':
        return { bytes: gunzipSync(body, options), isPacked: false }
      case 'deflate':
        return { bytes: inflateSync(body, options), isPacked: false }
      case 'br':
        return { bytes: brotliDecompressSync(body, options), isPacked: false }
      default:
        return { bytes: body, isPacked: true }
    }
  } catch {
    // Damaged, or larger than it may be: its bytes still tell whether both sides sent the same.
    return { bytes: body, isPacked: true }
  }
}

function lastOf(headers: readonly HeaderLine[], name: string): string | undefined {
  return headers.findLast(([key]) => key.toLowerCase() === name)?.[1]
}
