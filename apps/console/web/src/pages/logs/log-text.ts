import type { ShownLog } from '../../../../src/http/answers.ts'

const FIELDS_LENGTH_MAX = 240

/** A record in one line: its message, and as much of its fields as a line has room for. An error says what it was, and not where. */
export function logText({ message, fields }: Pick<ShownLog, 'message' | 'fields'>): { readonly message: string; readonly fields: string } {
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${fieldText(value)}`)
  const text = parts.join(' ')
  return { message, fields: text.length <= FIELDS_LENGTH_MAX ? text : `${text.slice(0, FIELDS_LENGTH_MAX - 1)}…` }
}

function fieldText(value: unknown): string {
  if (typeof value === 'string') return value
  if (isError(value)) return `${value.type}: ${value.message}`
  return JSON.stringify(value) ?? 'null'
}

/** As our logger writes an error. */
function isError(value: unknown): value is { readonly type: string; readonly message: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { type?: unknown }).type === 'string' &&
    typeof (value as { message?: unknown }).message === 'string'
  )
}

/** A field in full: text as it is, with the lines of a stack, and anything else as JSON for people. */
export function wholeField(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, null, 2)?.replaceAll(String.raw`\n`, '\n') ?? 'null')
}
