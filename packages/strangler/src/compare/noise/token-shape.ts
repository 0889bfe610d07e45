/** The letters that a text is made of, from the fewest on. Each holds those before it that it can. */
const ALPHABETS = [
  { name: 'digits', pattern: /^[0-9]*$/ },
  { name: 'lower-case hex digits', pattern: /^[0-9a-f]*$/ },
  { name: 'upper-case hex digits', pattern: /^[0-9A-F]*$/ },
  { name: 'lower-case letters and digits', pattern: /^[0-9a-z]*$/ },
  { name: 'upper-case letters and digits', pattern: /^[0-9A-Z]*$/ },
  { name: 'letters and digits', pattern: /^[0-9A-Za-z]*$/ },
  { name: 'letters of base64', pattern: /^[0-9A-Za-z+/=_.~-]*$/ },
] as const

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const UPPER_UUID = /^[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}$/

/** What random texts of one kind have in common. */
export type TokenShape =
  | { readonly kind: 'uuid'; readonly prefix: string; readonly isUpperCase: boolean }
  | {
      readonly kind: 'token'
      /** What all begin with, up to a separator: `req_`. */
      readonly prefix: string
      /** The smallest of the alphabets that holds them. */
      readonly alphabet: number
      readonly lengthMin: number
      readonly lengthMax: number
    }

// With fewer letters than this, a random text of letters and digits may look like hex digits by chance.
const TELLING_LETTERS = 24
const TELLING_SAMPLES = 4

/** @returns undefined where the samples are prose, or the like: they hold white space, or letters of no alphabet */
export function tokenShapeOf(samples: readonly string[]): TokenShape | undefined {
  const distinct = [...new Set(samples)]
  if (distinct.length < 2) return undefined
  const prefix = distinct.length >= TELLING_SAMPLES ? commonPrefix(distinct) : ''
  const rests = distinct.map((text) => text.slice(prefix.length))
  if (rests.every((rest) => UUID.test(rest))) return { kind: 'uuid', prefix, isUpperCase: false }
  if (rests.every((rest) => UPPER_UUID.test(rest))) return { kind: 'uuid', prefix, isUpperCase: true }
  let alphabet = ALPHABETS.findIndex(({ pattern }) => rests.every((rest) => pattern.test(rest)))
  if (alphabet === -1) return undefined
  const letters = rests.reduce((sum, rest) => sum + rest.length, 0)
  if (letters < TELLING_LETTERS && (alphabet === 1 || alphabet === 2)) alphabet += 2
  const lengths = rests.map((rest) => rest.length)
  const min = Math.min(...lengths)
  const max = Math.max(...lengths)
  const slack = min === max && distinct.length >= TELLING_SAMPLES ? 0 : max - min + 1
  return { kind: 'token', prefix, alphabet, lengthMin: Math.max(0, min - slack), lengthMax: max + slack }
}

export function fitsShape(text: string, shape: TokenShape): boolean {
  if (!text.startsWith(shape.prefix)) return false
  const rest = text.slice(shape.prefix.length)
  if (shape.kind === 'uuid') return (shape.isUpperCase ? UPPER_UUID : UUID).test(rest)
  const { alphabet, lengthMin, lengthMax } = shape
  return rest.length >= lengthMin && rest.length <= lengthMax && ALPHABETS[alphabet]!.pattern.test(rest)
}

/** So many letters that a program does not come upon the same text twice by chance. */
export function isUnlikelyToRepeat(shape: TokenShape): boolean {
  return shape.kind === 'uuid' || shape.lengthMin >= (shape.alphabet === 0 ? 12 : 8)
}

export function describeShape(shape: TokenShape): string {
  const prefix = shape.prefix === '' ? '' : `${JSON.stringify(shape.prefix)} and `
  if (shape.kind === 'uuid') return `${prefix}${shape.isUpperCase ? 'an upper-case UUID' : 'a UUID'}`
  const { alphabet, lengthMin, lengthMax } = shape
  const length = lengthMin === lengthMax ? String(lengthMin) : `${lengthMin} to ${lengthMax}`
  return `${prefix}${length} ${ALPHABETS[alphabet]!.name}`
}

/** Up to the last separator in it: `ord-20` of `ord-2025` and `ord-2026` is chance, `ord-` is not. */
function commonPrefix(texts: readonly string[]): string {
  const [first = ''] = texts
  let length = 0
  while (length < first.length && texts.every((text) => text[length] === first[length])) length++
  return /^.*[-_.:/]/.exec(first.slice(0, length))?.[0] ?? ''
}
