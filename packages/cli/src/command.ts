import type { ArgumentSpec, Arguments } from './arguments.ts'
import type { Terminal } from './terminal.ts'

/** One word after `seaworthy`. */
export interface Command extends ArgumentSpec {
  readonly name: string
  readonly summary: string
  /** @returns the exit code */
  run(args: Arguments, terminal: Terminal): Promise<number>
}
