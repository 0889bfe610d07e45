/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** `routes[0].share` */
  readonly path: string
  /** `is 150, but must be a number from 0 to 100` */
  readonly message: string
}

/**
 * Reads a value of unknown shape and notes what is wrong, rather than stopping at the first. What could not be read is undefined, or empty; nobody uses
 * it, because a configuration with a problem is not applied.
 */
export class Checked {
  readonly #value: unknown
  readonly path: string
  readonly #problems: ConfigProblem[]

  constructor(value: unknown, path: string, problems: ConfigProblem[]) {
    this.#value = value
    this.path = path
    this.#problems = problems
  }

  get isThere(): boolean {
    return this.#value !== undefined
  }

  get raw(): unknown {
    return this.#value
  }

  problem(message: string, path = this.path): void {
    this.#problems.push({ path, message })
  }

  /** Its members by name; any other is a problem. */
  object<const Names extends readonly string[]>(...names: Names): Readonly<Record<Names[number], Checked>> {
    const object = this.#object()
    for (const name of Object.keys(object)) {
      if (!names.includes(name)) this.problem(`is no setting here: there are ${names.join(', ')}`, this.#at(name))
    }
    return Object.fromEntries(names.map((name) => [name, this.#child(object, name)])) as Record<Names[number], Checked>
  }

  /** Its members, whatever their names. */
  entries(): readonly (readonly [string, Checked])[] {
    const object = this.#object()
    return Object.keys(object).map((name) => [name, this.#child(object, name)] as const)
  }

  items(): readonly Checked[] {
    if (Array.isArray(this.#value))
      return this.#value.map((item: unknown, index) => new Checked(item, `${this.path}[${index}]`, this.#problems))
    this.#wrong('a list')
    return []
  }

  text(pattern = /^[\x20-\x7e]+$/, what = 'a text'): string {
    if (typeof this.#value === 'string' && pattern.test(this.#value)) return this.#value
    this.#wrong(what)
    return ''
  }

  number(min: number, max: number, { isWhole = false } = {}): number {
    const value = this.#value
    if (typeof value === 'number' && value >= min && value <= max && (!isWhole || Number.isSafeInteger(value))) return value
    this.#wrong(`${isWhole ? 'a whole number' : 'a number'} from ${min} to ${max}`)
    return min
  }

  boolean(): boolean {
    if (typeof this.#value === 'boolean') return this.#value
    this.#wrong('true or false')
    return false
  }

  /** An address of plain HTTP. */
  url(): URL | undefined {
    const url = this.#url()
    if (url?.protocol === 'http:') return url
    this.#wrong('an address http://HOST:PORT/PATH')
    return undefined
  }

  /** An address without a path, of plain HTTP or over TLS. */
  base(): URL | undefined {
    const url = this.#url()
    if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '') return url
    this.#wrong('http://HOST:PORT or https://HOST:PORT')
    return undefined
  }

  one<const Values extends readonly string[]>(...values: Values): Values[number] {
    const found = values.find((value) => value === this.#value)
    if (found === undefined) this.#wrong(values.map((value) => JSON.stringify(value)).join(' or '))
    return found ?? values[0]!
  }

  /** What `read` makes of it, if it is there. */
  optional<T>(read: (checked: this) => T): T | undefined {
    return this.isThere ? read(this) : undefined
  }

  #url(): URL | undefined {
    const url = typeof this.#value === 'string' && URL.canParse(this.#value) ? new URL(this.#value) : undefined
    return url?.username === '' ? url : undefined
  }

  #wrong(expected: string): void {
    this.problem(this.#value === undefined ? `is missing: expected ${expected}` : `is ${shown(this.#value)}, but must be ${expected}`)
  }

  #object(): Record<string, unknown> {
    if (typeof this.#value === 'object' && this.#value !== null && !Array.isArray(this.#value))
      return this.#value as Record<string, unknown>
    this.#wrong('an object')
    return {}
  }

  #child(object: Record<string, unknown>, name: string): Checked {
    return new Checked(Object.hasOwn(object, name) ? object[name] : undefined, this.#at(name), this.#problems)
  }

  #at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
