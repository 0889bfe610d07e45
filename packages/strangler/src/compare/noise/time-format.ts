import type { Json } from '../json.ts'

/** A value that is a point in time, and how it is written. */
export interface WrittenTime {
  /** Two values of one format differ in their time alone. */
  readonly format: string
  /** Digits behind the seconds: `undefined` where the format has none. */
  readonly fractionDigits: number
  readonly atMs: number
}

const ISO = /^(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d)(:\d\d)?(?:([.,])(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$/
const DATE = /^\d{4}-\d\d-\d\d$/
// RFC 9110, section 5.6.7.
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/
const SLASHES = /^(\d\d)\/(\d\d)\/(\d{4})(?: (\d\d):(\d\d)(?::(\d\d))?)?$/
const DOTS = /^(\d\d)\.(\d\d)\.(\d{4})(?:,? (\d\d):(\d\d)(?::(\d\d))?)?$/

/** Reads a text as a point in time; one without a zone as if it were UTC, so that its distance from now holds the zone. */
export function timeOfText(text: string): WrittenTime | undefined {
  if (text.length < 8 || text.length > 40) return undefined
  const iso = ISO.exec(text)
  if (iso !== null) {
    const [, date, separator, minutes, seconds = '', mark = '', fraction = '', zone = ''] = iso
    const colonZone = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone
    const atMs = Date.parse(
      `${date}T${minutes}${seconds || ':00'}${fraction === '' ? '' : `.${fraction.padEnd(3, '0').slice(0, 3)}`}${colonZone || 'Z'}`,
    )
    const format = `yyyy-mm-dd${separator}hh:mm${seconds === '' ? '' : ':ss'}${mark}${zone}`
    return Number.isNaN(atMs) ? undefined : { format, fractionDigits: fraction.length, atMs }
  }
  if (DATE.test(text)) return written('yyyy-mm-dd', Date.parse(text))
  if (HTTP_DATE.test(text)) return written('HTTP date', Date.parse(text))
  const slashes = SLASHES.exec(text)
  if (slashes !== null) return split('/', slashes)
  const dots = DOTS.exec(text)
  return dots === null ? undefined : split('.', dots)
}

/** Day and month are told apart only where one is above 12; the reading that is right for both is not known, and the first is taken. */
function split(mark: string, parts: RegExpExecArray): WrittenTime | undefined {
  const [first = 0, second = 0, year = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0))
  const isMonthFirst = mark === '/' && first <= 12
  const format = `${isMonthFirst ? 'mm' : 'dd'}${mark}${isMonthFirst ? 'dd' : 'mm'}${mark}yyyy${parts[4] === undefined ? '' : ' hh:mm'}${parts[6] === undefined ? '' : ':ss'}`
  return written(format, Date.UTC(year, (isMonthFirst ? first : second) - 1, isMonthFirst ? second : first, hours, minutes, seconds))
}

const written = (format: string, atMs: number): WrittenTime | undefined =>
  Number.isNaN(atMs) ? undefined : { format, fractionDigits: 0, atMs }

// A number counts as a point in time only near the present: prices and identifiers are numbers too.
const NEAR_MS = 400 * 86_400_000

/** Reads a value as a point in time. Numbers, and texts of digits, are seconds or milliseconds since 1970, if that is near `nowMs`. */
export function timeOf(value: Json, nowMs: number): WrittenTime | undefined {
  if (typeof value === 'string') {
    const time = timeOfText(value)
    if (time !== undefined || !/^\d{10}(?:\d{3})?$/.test(value)) return time
    const inText = epochOf(Number(value), nowMs)
    return inText && { ...inText, format: `${inText.format} as text` }
  }
  return typeof value === 'number' ? epochOf(value, nowMs) : undefined
}

function epochOf(value: number, nowMs: number): WrittenTime | undefined {
  if (Math.abs(value - nowMs) < NEAR_MS && Number.isInteger(value))
    return { format: 'milliseconds since 1970', fractionDigits: 0, atMs: value }
  if (Math.abs(value * 1_000 - nowMs) >= NEAR_MS) return undefined
  return { format: `seconds since 1970${Number.isInteger(value) ? '' : ' with a fraction'}`, fractionDigits: 0, atMs: value * 1_000 }
}
