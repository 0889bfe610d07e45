import type { Attributes } from '@opentelemetry/api'
import type { Span, SpanProcessor } from '@opentelemetry/sdk-trace'
import { REDACTED, isSecretName, redactText } from './redaction.ts'

/** Replaces secrets in every span that is about to end, whoever made it: attributes of secret names, and text that gives one away. */
export const spanRedaction: SpanProcessor = {
  onStart: () => undefined,
  onEnding(span: Span) {
    redactAttributes(span.attributes)
    for (const event of span.events) if (event.attributes !== undefined) redactAttributes(event.attributes)
    if (span.status.message !== undefined) span.status.message = clip(redactText(span.status.message))
  },
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
}

// In place: the span is not shared yet, and its setter would warn of limits that were kept already.
function redactAttributes(attributes: Attributes): void {
  for (const name in attributes) {
    const value = attributes[name]
    if (isSecretName(name)) attributes[name] = REDACTED
    else if (typeof value === 'string' && value.length >= SECRET_LENGTH_MIN) attributes[name] = redacted(name, value)
  }
}

// No form of a secret in text is shorter: `pwd=x` and `://:x@` begin at five, and most attributes are short words.
const SECRET_LENGTH_MIN = 5
const TEXT_LENGTH_MAX = 4_096
const REMEMBERED_LENGTH_MAX = 200
const NAMES_MAX = 1_000

/** By the name of an attribute, the text that it had last and needed no redaction. Of ten attributes of a request eight say the same as those of the one before. */
const harmless = new Map<string, string>()

function redacted(name: string, text: string): string {
  if (harmless.get(name) === text) return text
  const safe = clip(redactText(text))
  if (safe === text && text.length <= REMEMBERED_LENGTH_MAX) {
    if (harmless.size >= NAMES_MAX) harmless.clear()
    harmless.set(name, text)
  }
  return safe
}

function clip(text: string): string {
  return text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX - 1)}…`
}
