import { describeShape, fitsShape, type TokenShape, tokenShapeOf } from './token-shape.ts'

/** A text with parts that vary: the signature in an address, the time in a sentence. */
export interface TextPattern {
  /** For each part whether it varies, and how. A part that does not is that of the monolith's answer to the same request. */
  readonly parts: readonly (TokenShape | 'same' | 'any')[]
}

const SEPARATORS = /[\s/?&;,|"'()<>[\]{}:=]+/g

interface Parts {
  readonly words: readonly string[]
  readonly separators: string
}

// What base64 is padded with belongs to the word.
const split = (text: string): Parts => {
  const unpadded = text.replace(/=+$/, '')
  return { words: unpadded.split(SEPARATORS), separators: (unpadded.match(SEPARATORS) ?? []).join('\n') }
}

/**
 * Finds what varies in a text from pairs of answers to the same request.
 * @returns undefined where the texts are not built alike, or where all varies
 */
export function textPatternOf(pairs: readonly (readonly [string, string])[]): TextPattern | undefined {
  const parted = pairs.map(([a, b]) => [split(a), split(b)] as const)
  const [first] = parted
  if (first === undefined || first[0].words.length < 2) return undefined
  const { words, separators } = first[0]
  const isAlike = (parts: Parts) => parts.words.length === words.length && parts.separators === separators
  if (!parted.every(([a, b]) => isAlike(a) && isAlike(b))) return undefined
  const parts = words.map((_, index) => {
    const varying = parted.filter(([a, b]) => a.words[index] !== b.words[index])
    if (varying.length === 0) return 'same' as const
    return tokenShapeOf(varying.flatMap(([a, b]) => [a.words[index]!, b.words[index]!])) ?? ('any' as const)
  })
  return parts.includes('same') ? { parts } : undefined
}

/** @returns what does not fit, or undefined */
export function misfitOf({ parts }: TextPattern, expected: string, actual: string): string | undefined {
  const a = split(expected)
  const b = split(actual)
  if (a.words.length !== b.words.length || a.separators !== b.separators || a.words.length !== parts.length)
    return 'it is not built like what the monolith says'
  for (const [index, part] of parts.entries()) {
    if (part === 'any') continue
    const word = b.words[index]!
    if (part === 'same') {
      if (word !== a.words[index]) return 'it differs in a part that never varies at the monolith'
    } else if (!fitsShape(word, part)) return `a part of it is not ${describeShape(part)}`
  }
  return undefined
}
