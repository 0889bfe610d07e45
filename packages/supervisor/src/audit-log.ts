import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { type Clock, UnavailableError, newId } from 'seaworthy/core'
import type { AskedOfService } from './ask.ts'

/** A line of the audit: what somebody asked for, or how that ended. The two have one id. */
export type AuditEntry = {
  readonly id: string
  readonly at: string
  readonly by: string
  readonly service: string
  readonly action: string
} & (
  | { readonly step: 'asked'; readonly parameters: Readonly<Record<string, unknown>> }
  | { readonly step: 'done'; readonly result: unknown }
  | { readonly step: 'failed'; readonly error: string }
)

/** Who asked the processes to change something, when, what, and what came of it: a file that is only appended to, and synced line by line. */
export class AuditLog {
  readonly #path: string
  readonly #clock: Clock

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /**
   * Runs an action between two lines. Without the first it is not begun; a process that dies in between leaves the first alone, which is the truth.
   * @throws UnavailableError when the first line cannot be written, and what the action throws
   */
  async around<T>(asked: AskedOfService & { readonly by: string }, action: () => Promise<T>): Promise<T> {
    const { by, service, question, parameters } = asked
    const about = { id: newId(), by, service, action: question }
    try {
      this.#write({ ...about, at: this.#now(), step: 'asked', parameters })
    } catch (cause) {
      throw new UnavailableError(`Nothing was done: the audit ${this.#path} cannot be written.`, { cause })
    }
    let result: T
    try {
      result = await action()
    } catch (error) {
      this.#write({ ...about, at: this.#now(), step: 'failed', error: error instanceof Error ? error.message : String(error) })
      throw error
    }
    this.#write({ ...about, at: this.#now(), step: 'done', result })
    return result
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString()
  }

  #write(entry: AuditEntry): void {
    const file = openSync(this.#path, 'a', 0o600)
    try {
      writeSync(file, `${JSON.stringify(entry)}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  }
}
