import { REDACTED, isSecretNameInList } from '@seaworthy/telemetry/redaction'
import { type KnownName, isSafeBytes, knownName, safeValue } from './attributes.ts'
import { safeText } from './text.ts'

type Node = Readonly<Record<string, unknown>>

/** Ids and times, which are checked, and are no text. */
const NO_TEXT = new Set([
  'traceId',
  'spanId',
  'parentSpanId',
  'timeUnixNano',
  'startTimeUnixNano',
  'endTimeUnixNano',
  'observedTimeUnixNano',
  'intValue',
])
const DEPTH_MAX = 64

/**
 * A span, record, resource or scope in OTLP's form as it may be stored: attributes by their names, and all other text by its form, also in fields that nobody here knows.
 * The same object where there is nothing to replace.
 * @throws RangeError when it is nested too deep
 */
export function safeOtlp<T>(value: T): T {
  const system = typeof value === 'object' && value !== null ? systemOf((value as Node)['attributes']) : undefined
  return walk(value, undefined, system, 0) as T
}

/** `name` is of the attribute that the value stands in; undefined outside of attributes. */
function walk(value: unknown, name: KnownName | undefined, system: string | undefined, depth: number): unknown {
  if (depth > DEPTH_MAX) throw new RangeError(`values are nested more than ${DEPTH_MAX} deep`)
  if (typeof value === 'string') return name === undefined ? safeText(value) : safeValue(name, value, system)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    let copy: unknown[] | undefined
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index]
      const safe = index > 0 && isNamed(value[index - 1], item) ? { stringValue: REDACTED } : walk(item, name, system, depth + 1)
      if (safe !== item) (copy ??= [...value])[index] = safe
    }
    return copy ?? value
  }
  const node = value as Node
  if (typeof node['bytesValue'] === 'string') return safeBytes(node, node['bytesValue'], name ?? knownName(''), system)
  if (typeof node['key'] === 'string' && 'value' in node) return attribute(node, node['key'], system, depth)
  let copy: Record<string, unknown> | undefined
  for (const field in node) {
    if (NO_TEXT.has(field)) continue
    const inner = node[field]
    const safe = walk(inner, name, system, depth + 1)
    if (safe !== inner) (copy ??= { ...node })[field] = safe
  }
  return copy ?? node
}

/** A key may be a secret's place too: `{"SECRET": true}` made from a query. Keys are text. */
function attribute(node: Node, key: string, system: string | undefined, depth: number): Node {
  const name = knownName(key)
  const value = name.rule === 'nothing' ? nothing(node['value']) : walk(node['value'], name, system, depth + 1)
  return value === node['value'] && name.safe === key ? node : { ...node, key: name.safe, value }
}

/** `--password x` of a command's arguments, or `Authorization` and its value in a list of headers: two texts of a list. */
function isNamed(before: unknown, item: unknown): boolean {
  return typeof textOf(item) === 'string' && isSecretNameInList(textOf(before))
}

function textOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (value as Node)['stringValue'] : undefined
}

/** Bytes are in base64 here. */
function safeBytes(node: Node, base64: string, name: KnownName, system: string | undefined): Node {
  return isSafeBytes(name, Buffer.from(base64, 'base64'), system) ? node : { stringValue: REDACTED }
}

/** Whatever stands under the name of a secret: number, bytes, list or map. */
function nothing(value: unknown): unknown {
  return textOf(value) === '' ? value : { stringValue: REDACTED }
}

function systemOf(attributes: unknown): string | undefined {
  if (!Array.isArray(attributes)) return undefined
  for (const each of attributes as readonly { readonly key?: unknown; readonly value?: { readonly stringValue?: unknown } }[]) {
    if ((each.key === 'db.system.name' || each.key === 'db.system') && typeof each.value?.stringValue === 'string')
      return each.value.stringValue
  }
  return undefined
}
