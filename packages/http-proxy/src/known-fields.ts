import { FOLDED, UNDERSCORE } from './grammar.ts'

/**
 * The fields that the proxy itself reads or writes. None of them is ever passed on as it came: what they say is kept as parsed state, and
 * written anew where it belongs.
 */
const NAMES = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'expect',
  'trailer',
  'te',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'forwarded',
  'x-real-ip',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'traceparent',
  'tracestate',
  'baggage',
  'x-correlation-id',
  'x-request-timeout-ms',
] as const

export type KnownField = (typeof NAMES)[number]

/** What {@link fieldAt} answers about a name that is none of them. */
export const UNKNOWN = -1
/** A name that is dropped unread: of a family that only the inside may write, or another spelling of a known one. */
const SHADOW = -2

export const fieldId = (name: KnownField): number => NAMES.indexOf(name)

const encode = (name: string) => Uint8Array.from(name, (character) => character.charCodeAt(0))
const BYTES = NAMES.map(encode)
const FAMILIES = ['x-forwarded-', 'x-seaworthy-'].map(encode)
const BY_LENGTH: readonly (readonly number[])[] = Array.from({ length: 32 }, (_, length) =>
  NAMES.flatMap((name, id) => (name.length === length ? [id] : [])),
)

// What an answer may not pass on. The rest of the list means nothing in one.
const HOP_BY_HOP: ReadonlySet<string> = new Set<KnownField>([
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'trailer',
  'te',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'x-correlation-id',
])
const IN_ANSWERS = Uint8Array.from(NAMES, (name) => (HOP_BY_HOP.has(name) ? 1 : 0))

/** The number of the known field whose name stands there in a request, {@link SHADOW} or {@link UNKNOWN}. */
export function fieldAt(bytes: Uint8Array, start: number, end: number): number {
  for (const id of BY_LENGTH[end - start] ?? []) {
    if (!beginsWith(bytes, start, BYTES[id]!)) continue
    // CGI and its heirs take `_` for `-`. Such a name is not the field, but must not become it behind the proxy.
    return bytes.subarray(start, end).includes(UNDERSCORE) ? SHADOW : id
  }
  return FAMILIES.some((family) => end - start > family.length && beginsWith(bytes, start, family)) ? SHADOW : UNKNOWN
}

/** The same in an answer, where only the fields of the connection are the proxy's. */
export function answerFieldAt(bytes: Uint8Array, start: number, end: number): number {
  for (const id of BY_LENGTH[end - start] ?? []) {
    if (IN_ANSWERS[id] === 1 && beginsWith(bytes, start, BYTES[id]!) && !bytes.subarray(start, end).includes(UNDERSCORE)) return id
  }
  return UNKNOWN
}

function beginsWith(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) if (FOLDED[bytes[start + index]!] !== name[index]) return false
  return true
}
