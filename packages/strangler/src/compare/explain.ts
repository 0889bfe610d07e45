import { isObject, isArray, type Json } from './json.ts'
import { timeOfText } from './noise/time-format.ts'

/**
 * What may have made `actual` out of `expected`: each a guess that holds for this pair. A guess that holds for every pair of a field is
 * what a person wants to read first. Pure.
 */
export function guesses(expected: Json | undefined, actual: Json | undefined): readonly string[] {
  if (expected === undefined || actual === undefined) return []
  if (expected === null) return [isEmpty(actual) ? 'empty instead of null' : 'a value instead of null']
  if (actual === null) return [isEmpty(expected) ? 'null instead of empty' : 'null instead of a value']
  if (typeof expected === 'number' && typeof actual === 'number') return ofNumbers(expected, actual)
  if (typeof expected === 'string' && typeof actual === 'string') return ofTexts(expected, actual)
  if (typeof expected === 'number' && typeof actual === 'string')
    return Number(actual) === expected ? ['the number as a text'] : ['a text instead of a number']
  if (typeof expected === 'string' && typeof actual === 'number')
    return Number(expected) === actual ? ['the text as a number'] : ['a number instead of a text']
  return []
}

const isEmpty = (value: Json): boolean =>
  value === '' || (isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0)

const FACTORS = [100, 1_000, 0.01, 0.001, 60, 1 / 60, 3_600, 1 / 3_600, 1.19, -1] as const

function ofNumbers(expected: number, actual: number): string[] {
  const found = [`the monolith's ${signed(actual - expected)}`]
  for (const factor of FACTORS) {
    if (expected !== 0 && Math.abs(actual / expected / factor - 1) < 1e-9)
      found.push(factor === -1 ? 'the sign turned' : `the monolith's × ${short(factor)}`)
  }
  for (const decimals of [0, 1, 2, 3, 4]) {
    const power = 10 ** decimals
    if (near(actual, Math.trunc(expected * power) / power)) found.push(`cut off behind ${decimals} decimals`)
    if (near(actual, Math.round(expected * power) / power)) found.push(`rounded to ${decimals} decimals`)
  }
  if (actual === 0) found.push('zero')
  return found
}

const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a))

function ofTexts(expected: string, actual: string): string[] {
  const found: string[] = []
  const say = (holds: boolean, what: string) => {
    if (holds) found.push(what)
  }
  say(actual === '', 'empty')
  say(actual !== '' && expected.trim() === actual.trim(), 'white space at the ends')
  say(expected.toLowerCase() === actual.toLowerCase(), 'upper and lower case')
  say(expected.normalize('NFC') === actual.normalize('NFC'), 'another Unicode normalization')
  say(actual !== '' && expected.length > actual.length && expected.startsWith(actual), 'cut off')
  say(Buffer.from(expected, 'utf8').toString('latin1') === actual, 'UTF-8 that was read as Latin-1')
  say(Buffer.from(expected, 'latin1').toString('utf8') === actual, 'Latin-1 that was read as UTF-8')
  say(withoutAccents(expected) === withoutAccents(actual), 'accents')
  say(/[?\ufffd]/.test(actual) && actual.length === expected.length, 'letters that were lost')
  say(unescaped(actual) === expected, 'escaped for HTML')
  say(unescaped(expected) === actual, 'no longer escaped for HTML')
  say(/\d/.test(expected) && Number(expected) === Number(actual), 'the same number, written otherwise')
  const [from, to] = [timeOfText(expected), timeOfText(actual)]
  if (from !== undefined && to !== undefined) {
    const apart = to.atMs - from.atMs
    found.push(apart === 0 ? 'the same time, written otherwise' : `the monolith's time ${duration(apart)}`)
  }
  return found
}

const withoutAccents = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '')

const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&')

const short = (value: number): string => String(Number(value.toPrecision(6)))
const signed = (value: number): string => `${value < 0 ? '-' : '+'} ${short(Math.abs(value))}`

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

function duration(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(ms) >= size && ms % size === 0) ?? ['ms', 1]
  return `${signed(ms / size)} ${unit}`
}
