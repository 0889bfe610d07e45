import { REDACTED, isSecretNameInList } from '@seaworthy/telemetry/redaction'
import { isSafeBytes, knownName, safeValue } from './attributes.ts'
import { safeText } from './text.ts'

const DEPTH_MAX = 16
/** `headers.x-api-key` of a logged request. */
const HEADERS = /(?:^|\.)(?:headers|metadata)$/i

/** The fields of a log line as they may be stored: by their names at any depth, and text by its form. What is nested deeper than sixteen is left out. */
export function safeFields(value: unknown): unknown {
  return walk(value, { name: '', system: undefined, depth: 0 })
}

/** Where a value stands: under which name, and beside the name of which database. */
interface Position {
  readonly name: string
  readonly system: string | undefined
  readonly depth: number
}

function walk(value: unknown, { name, system, depth }: Position): unknown {
  const known = knownName(name)
  if (typeof value === 'string') return safeValue(known, value, system)
  if (typeof value !== 'object' || value === null) return known.rule === 'nothing' ? REDACTED : value
  if (known.rule === 'nothing' || depth >= DEPTH_MAX) return REDACTED
  // In base64, as OTLP's JSON form has them.
  if (Buffer.isBuffer(value)) return isSafeBytes(known, value, system) ? value.toString('base64') : REDACTED
  if (Array.isArray(value)) {
    return value.map((each: unknown, index) =>
      typeof each === 'string' && index > 0 && isSecretNameInList(value[index - 1])
        ? REDACTED
        : walk(each, { name, system, depth: depth + 1 }),
    )
  }
  const own = systemOf(value) ?? system
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const whole = HEADERS.test(name) ? `header.${key}` : key
      return [safeText(key), walk(inner, { name: whole, system: own, depth: depth + 1 })]
    }),
  )
}

function systemOf(fields: object): string | undefined {
  const { 'db.system.name': now, 'db.system': before } = fields as Readonly<Record<string, unknown>>
  return [now, before].find((system) => typeof system === 'string')
}
