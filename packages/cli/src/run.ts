import { createRequire } from 'node:module'
import { SeaworthyError } from 'seaworthy/core'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { fault } from './commands/fault.ts'
import { lab } from './commands/lab.ts'
import { logs } from './commands/logs.ts'
import { relay } from './commands/relay.ts'
import { restart } from './commands/restart.ts'
import { start } from './commands/start.ts'
import { status } from './commands/status.ts'
import { stop } from './commands/stop.ts'
import { helpOf, overview } from './help.ts'
import type { Terminal } from './terminal.ts'
import { UsageError, suggestion } from './usage.ts'

const { version } = createRequire(import.meta.url)('@seaworthy/cli/package.json') as { version: string }
const COMMANDS: readonly Command[] = [start, status, restart, fault, stop, logs, relay, lab]

/**
 * Runs one command line: the words after `seaworthy`.
 * @returns the exit code: 0, 1 for a failure, 2 for a command line that cannot be understood
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const [word, ...rest] = args
    if (word === undefined || word === 'help' || word === '--help' || word === '-h') {
      const about = rest[0]
      terminal.print(about === undefined ? overview(COMMANDS) : helpOf(find(about)))
      return word === undefined ? 2 : 0
    }
    if (word === '--version' || word === '-v') {
      terminal.print(version)
      return 0
    }
    const command = find(word)
    if (rest.includes('--help') || rest.includes('-h')) {
      terminal.print(helpOf(command))
      return 0
    }
    return await command.run(parseArguments(command.name, rest, command), terminal)
  } catch (error) {
    if (!(error instanceof SeaworthyError)) throw error
    terminal.printError(error.message)
    if (!(error instanceof UsageError)) return 1
    terminal.printError('seaworthy help shows what there is.')
    return 2
  }
}

function find(name: string): Command {
  const command = COMMANDS.find((candidate) => candidate.name === name)
  if (command !== undefined) return command
  const names = [...COMMANDS.map((candidate) => candidate.name), 'help']
  throw new UsageError(`There is no command ${name}.${suggestion(name, names)}`)
}
