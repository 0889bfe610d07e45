import { REDACTED } from '@seaworthy/telemetry/redaction'
import { isContentName, safeValue } from './attributes.ts'
import { safeText } from './text.ts'

const DEPTH_MAX = 16
/** `headers.x-api-key` of a logged request. */
const HEADERS = /(?:^|\.)(?:headers|metadata)$/i

/** The fields of a log line as they may be stored: by their names at any depth, and text by its form. What is nested deeper than sixteen is left out. */
export function safeFields(value: unknown, name = '', depth = 0): unknown {
  if (typeof value === 'string') return name === '' ? safeText(value) : safeValue(name, value)
  if (typeof value !== 'object' || value === null) return isContentName(name) ? REDACTED : value
  if (isContentName(name) || depth >= DEPTH_MAX) return REDACTED
  if (Array.isArray(value)) return value.map((each) => safeFields(each, name, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [safeText(key), safeFields(inner, HEADERS.test(name) ? `header.${key}` : key, depth + 1)]),
  )
}
