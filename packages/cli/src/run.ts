import { createRequire } from 'node:module'
import { SeaworthyError } from 'seaworthy/core'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { breakers } from './commands/breakers.ts'
import { listDeadLetters } from './commands/dead-letters/list.ts'
import { requeueDeadLetters } from './commands/dead-letters/requeue.ts'
import { showDeadLetter } from './commands/dead-letters/show.ts'
import { checkEvents } from './commands/events/check.ts'
import { auditEvents } from './commands/events/audit.ts'
import { erasureReport } from './commands/events/erasure-report.ts'
import { forgetSubject } from './commands/events/forget.ts'
import { graphEvents } from './commands/events/graph.ts'
import { lockEvents } from './commands/events/lock.ts'
import { showEvents } from './commands/events/show.ts'
import { conformance } from './commands/conformance.ts'
import { fault } from './commands/fault.ts'
import { explainRequest } from './commands/gateway/explain.ts'
import { gatewayComparisons } from './commands/gateway/comparisons.ts'
import { gateway } from './commands/gateway/gateway.ts'
import { gatewayLedger } from './commands/gateway/ledger.ts'
import { rollBackRoute } from './commands/gateway/rollback.ts'
import { shiftRoute } from './commands/gateway/shift.ts'
import { gatewayStatus } from './commands/gateway/status.ts'
import { lab } from './commands/lab.ts'
import { logs } from './commands/logs.ts'
import { migrateCommand } from './commands/migrate.ts'
import { monitoring } from './commands/monitoring.ts'
import { goBackProjection, rebuildProjection } from './commands/projections/change.ts'
import { listProjections } from './commands/projections/list.ts'
import { relay } from './commands/relay.ts'
import { checkSagasCommand } from './commands/saga/check.ts'
import { abortSaga, retrySaga, skipSagaStep } from './commands/saga/change.ts'
import { graphSagas } from './commands/saga/graph.ts'
import { listSagas } from './commands/saga/list.ts'
import { showSaga } from './commands/saga/show.ts'
import { restart } from './commands/restart.ts'
import { scale } from './commands/scale.ts'
import { start } from './commands/start.ts'
import { status } from './commands/status.ts'
import { stop } from './commands/stop.ts'
import { why } from './commands/why.ts'
import { helpOf, overview } from './help.ts'
import type { Terminal } from './terminal.ts'
import { UsageError, suggestion } from './usage.ts'

const { version } = createRequire(import.meta.url)('@seaworthy/cli/package.json') as { version: string }
const COMMANDS: readonly Command[] = [
  start,
  status,
  restart,
  scale,
  fault,
  breakers,
  stop,
  logs,
  why,
  relay,
  gateway,
  gatewayStatus,
  gatewayLedger,
  gatewayComparisons,
  shiftRoute,
  rollBackRoute,
  explainRequest,
  listDeadLetters,
  showDeadLetter,
  requeueDeadLetters,
  checkEvents,
  lockEvents,
  graphEvents,
  showEvents,
  auditEvents,
  erasureReport,
  forgetSubject,
  listProjections,
  rebuildProjection,
  goBackProjection,
  listSagas,
  showSaga,
  retrySaga,
  skipSagaStep,
  abortSaga,
  checkSagasCommand,
  graphSagas,
  migrateCommand,
  monitoring,
  lab,
  conformance,
]

/**
 * Runs one command line: the words after `seaworthy`.
 * @returns the exit code: 0, 1 for a failure, 2 for a command line that cannot be understood
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const [word, ...others] = args
    if (word === undefined || word === 'help' || word === '--help' || word === '-h') {
      terminal.print(others.length === 0 ? overview(COMMANDS) : helpFor(others))
      return word === undefined ? 2 : 0
    }
    if (word === '--version' || word === '-v') {
      terminal.print(version)
      return 0
    }
    if (others.includes('--help') || others.includes('-h')) {
      terminal.print(helpFor(args))
      return 0
    }
    const { command, rest } = find(args)
    return await command.run(parseArguments(command.name, rest, command), terminal)
  } catch (error) {
    // A file that cannot be written where the command line says is no defect of ours, and its stack helps nobody.
    if (!(error instanceof SeaworthyError) && !isSystemError(error)) throw error
    terminal.printError(error.message)
    if (!(error instanceof UsageError)) return 1
    terminal.printError(whereToLook(args))
    return 2
  }
}

/** What the operating system refused, and with which file. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  const { syscall, path } = error as NodeJS.ErrnoException
  return error instanceof Error && typeof syscall === 'string' && typeof path === 'string'
}

/** The help of the command that was meant, or else of all. */
function whereToLook(args: readonly string[]): string {
  try {
    return `seaworthy help ${find(args).command.name} shows what it takes.`
  } catch {
    return 'seaworthy help shows what there is.'
  }
}

/** The commands that begin with a word: `dead-letters list` and its siblings. */
const family = (word: string) => COMMANDS.filter(({ name }) => name.startsWith(`${word} `))

function helpFor(words: readonly string[]): string {
  const [word = '', second] = words
  const siblings = family(word)
  const own = COMMANDS.filter(({ name }) => name === word)
  const isFamily = siblings.length > 0 && (second === undefined || second.startsWith('-'))
  return isFamily ? overview([...own, ...siblings]) : helpOf(find(words).command)
}

/** The command that the words begin with, and what follows it. @throws UsageError */
function find(words: readonly string[]): { readonly command: Command; readonly rest: readonly string[] } {
  const [word = '', second = '', ...further] = words
  const siblings = family(word)
  const sibling = siblings.find(({ name }) => name === `${word} ${second}`)
  if (sibling !== undefined) return { command: sibling, rest: further }
  const command = COMMANDS.find(({ name }) => name === word)
  const isAlone = siblings.length === 0 || second === '' || second.startsWith('-')
  if (command !== undefined && isAlone) return { command, rest: words.slice(1) }
  if (siblings.length > 0) {
    const seconds = siblings.map(({ name }) => name.slice(word.length + 1))
    const orAlone = command === undefined ? '' : 'options, or '
    throw new UsageError(`seaworthy ${word} is followed by ${orAlone}one of ${seconds.join(', ')}.${suggestion(second, seconds)}`)
  }
  const names = [...COMMANDS.map(({ name }) => name.split(' ')[0] ?? ''), 'help']
  throw new UsageError(`There is no command ${word}.${suggestion(word, names)}`)
}
