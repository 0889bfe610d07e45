import type { Attributes } from '@opentelemetry/api'
import type { Span, SpanProcessor } from '@opentelemetry/sdk-trace'
import { REDACTED, isSecretName, isSecretNameInList, redactText } from './redaction.ts'

/**
 * Replaces secrets in every span that is about to end, whoever made it: attributes of secret names, at any depth, and text that gives one away, in lists, maps and bytes too.
 */
export const spanRedaction: SpanProcessor = {
  onStart: () => undefined,
  onEnding(span: Span) {
    const name = safeName(span.name)
    if (name !== span.name) span.updateName(name)
    redactAttributes(span.attributes)
    for (const event of span.events) {
      event.name = safeName(event.name)
      if (event.attributes !== undefined) redactAttributes(event.attributes)
    }
    for (const { attributes } of span.links) if (attributes !== undefined) redactAttributes(attributes)
    if (span.status.message !== undefined) span.status.message = clip(redactText(span.status.message))
  },
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
}

// In place: the span is not shared yet, and its setter would warn of limits that were kept already. Lists and maps are copied: they may be somebody's.
function redactAttributes(attributes: Attributes): void {
  for (const name in attributes) {
    const value = attributes[name]
    if (isSecretName(name)) attributes[name] = REDACTED
    else if (typeof value === 'string') attributes[name] = value.length < SECRET_LENGTH_MIN ? value : redacted(name, value)
    else if (typeof value === 'object') attributes[name] = safeComposite(value, 0)
  }
}

// No form of a secret in text is shorter: `pwd=x` and `://:x@` begin at five, and most attributes are short words.
const SECRET_LENGTH_MIN = 5
const TEXT_LENGTH_MAX = 4_096
const REMEMBERED_LENGTH_MAX = 200
const NAMES_MAX = 1_000
const DEPTH_MAX = 16

/** By the name of an attribute, the text that it had last and needed no redaction. Of ten attributes of a request eight say the same as those of the one before. */
const harmless = new Map<string, string>()

function redacted(name: string, text: string): string {
  if (harmless.get(name) === text) return text
  const safe = safeText(text)
  if (safe === text && text.length <= REMEMBERED_LENGTH_MAX) {
    if (harmless.size >= NAMES_MAX) harmless.clear()
    harmless.set(name, text)
  }
  return safe
}

const harmlessNames = new Set<string>()

/** Names of spans and events are few, unless somebody makes them of data. */
function safeName(name: string): string {
  if (harmlessNames.has(name)) return name
  const safe = safeText(name)
  if (safe === name) {
    if (harmlessNames.size >= NAMES_MAX) harmlessNames.clear()
    harmlessNames.add(name)
  }
  return safe
}

/** A list, a map or bytes, as OpenTelemetry's attributes may be; the same where there is nothing to replace. */
function safeComposite(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return safeText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_MAX) return REDACTED
  if (value instanceof Uint8Array) return safeBytes(value)
  if (Array.isArray(value)) {
    let copy: unknown[] | undefined
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index]
      const isNamed = typeof item === 'string' && index > 0 && isSecretNameInList(value[index - 1])
      const safe = isNamed ? REDACTED : safeComposite(item, depth + 1)
      if (safe !== item) (copy ??= [...value])[index] = safe
    }
    return copy ?? value
  }
  let copy: Record<string, unknown> | undefined
  for (const [name, field] of Object.entries(value)) {
    const safe = isSecretName(name) ? REDACTED : safeComposite(field, depth + 1)
    if (safe !== field) (copy ??= { ...value })[name] = safe
  }
  return copy ?? value
}

/** What is secret as text is secret as bytes: a letter of ASCII is a byte. */
function safeBytes(bytes: Uint8Array): Uint8Array | string {
  if (bytes.length > TEXT_LENGTH_MAX) return safeBytes(bytes.subarray(0, TEXT_LENGTH_MAX))
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  return redactText(text) === text ? bytes : REDACTED
}

function safeText(text: string): string {
  return text.length < SECRET_LENGTH_MIN ? text : clip(redactText(text))
}

function clip(text: string): string {
  return text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX - 1)}…`
}
