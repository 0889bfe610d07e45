// In a session, of about 20 kB each on the server.
const STATEMENTS_MAX = 100
// Longer ones are rare, and would be kept for each of their lengths where they list what they insert.
const TEXT_LENGTH_MAX = 4_000

/** A statement that a session keeps parsed, with its plan. */
export interface KeptStatement {
  readonly name: string
  /**
   * - `new`: the server does not know it.
   * - `doubtful`: it may. What failed may have left it, and may have failed for what it was parsed to be.
   */
  state: 'new' | 'parsed' | 'doubtful'
}

/** The texts that one session was given last, with the names under which it keeps them. */
export class SessionStatements {
  readonly #kept = new Map<string, KeptStatement>()
  #pushedOut: string[] = []
  #named = 0

  /** The statement of a text, which may push out the one that was used longest ago. Undefined for a text that is not kept. */
  keep(sql: string): KeptStatement | undefined {
    if (sql.length > TEXT_LENGTH_MAX) return undefined
    const statement = this.#kept.get(sql) ?? { name: `seaworthy_batch_${++this.#named}`, state: 'new' }
    // The one that was used last comes last.
    this.#kept.delete(sql)
    this.#kept.set(sql, statement)
    if (this.#kept.size > STATEMENTS_MAX) {
      const [text, { name }] = this.#kept.entries().next().value!
      this.#kept.delete(text)
      this.#pushedOut.push(name)
    }
    return statement
  }

  /** Names to close, once: before a batch, whose failure would leave them, and which may have used them itself. */
  takePushedOut(): readonly string[] {
    const names = this.#pushedOut
    this.#pushedOut = []
    return names
  }
}
