import { ConfigurationError } from 'seaworthy/core'

/** What a JSON text says, and on which line each part of it stands. */
export interface PositionedJson {
  readonly value: unknown
  /** @param path `routes[0].match.path`; a path that is not there gets the line of the part around it */
  lineOf(path: string): number
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// Controls are found by JSON.parse, which refuses them.
const STRING = /"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const WORDS: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]
const DEPTH_MAX = 64

/**
 * Reads JSON (RFC 8259), and no name twice in one object: which of the two a reader takes would be anybody's guess.
 * @throws ConfigurationError with file, line and column
 */
export function parsePositioned(text: string, file: string): PositionedJson {
  const parser = new Parser(text, file)
  const value = parser.document()
  const { lines } = parser
  return {
    value,
    lineOf: (path) => {
      for (let at = path; ; at = at.replace(/(?:\.[^.[\]]*|\[[^[\]]*\]|^[^.[]*)$/, '')) {
        const line = lines.get(at)
        if (line !== undefined) return line
        if (at === '') return 1
      }
    },
  }
}

class Parser {
  readonly #text: string
  readonly #file: string
  readonly lines = new Map<string, number>()
  #at = 0
  #line = 1
  #lineStart = 0

  constructor(text: string, file: string) {
    this.#text = text
    this.#file = file
  }

  document(): unknown {
    const value = this.#value('', 0)
    this.#space()
    if (this.#at < this.#text.length) this.#fail('has something behind its end')
    return value
  }

  #value(path: string, depth: number): unknown {
    this.#space()
    // The line of a member is that of its name, which is set before.
    if (!this.lines.has(path)) this.lines.set(path, this.#line)
    if (depth > DEPTH_MAX) this.#fail(`is nested more than ${DEPTH_MAX} deep`)
    const character = this.#text[this.#at]
    if (character === '{') return this.#object(path, depth)
    if (character === '[') return this.#array(path, depth)
    if (character === '"') return this.#string()
    for (const [word, value] of WORDS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    }
    return Number(this.#token(NUMBER, 'expected a value'))
  }

  #object(path: string, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    this.#at++
    if (this.#isNext('}')) return object
    do {
      this.#space()
      const line = this.#line
      const name = this.#string()
      const at = path === '' ? name : `${path}.${name}`
      if (Object.hasOwn(object, name)) this.#fail(`names ${at} twice`)
      this.lines.set(at, line)
      this.#expect(':')
      // Not by assignment, which would make __proto__ something else than a name.
      Object.defineProperty(object, name, { value: this.#value(at, depth + 1), enumerable: true, writable: true, configurable: true })
    } while (this.#isNext(','))
    this.#expect('}')
    return object
  }

  #array(path: string, depth: number): unknown[] {
    const array: unknown[] = []
    this.#at++
    if (this.#isNext(']')) return array
    do array.push(this.#value(`${path}[${array.length}]`, depth + 1))
    while (this.#isNext(','))
    this.#expect(']')
    return array
  }

  #string(): string {
    const token = this.#token(STRING, 'expected a name or a text in double quotes')
    try {
      return JSON.parse(token) as string
    } catch {
      this.#at -= token.length
      this.#fail('has a control character in a text')
    }
  }

  #token(pattern: RegExp, otherwise: string): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) this.#fail(otherwise)
    this.#at += found.length
    return found
  }

  #isNext(character: string): boolean {
    this.#space()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #expect(character: string): void {
    if (!this.#isNext(character)) this.#fail(`expected ${character}`)
  }

  #space(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at]!
      if (character === '\n') {
        this.#line++
        this.#lineStart = this.#at + 1
      } else if (character !== ' ' && character !== '\t' && character !== '\r') return
    }
  }

  #fail(what: string): never {
    throw new ConfigurationError(`${this.#file}:${this.#line}:${this.#at - this.#lineStart + 1} is no JSON: ${what}.`)
  }
}
