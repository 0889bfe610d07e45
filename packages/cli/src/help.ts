import type { Command } from './command.ts'
import { columns } from './terminal.ts'

export function overview(commands: readonly Command[]): string {
  return `seaworthy COMMAND

${columns([...commands.map((command) => [synopsis(command), command.summary]), ['help [COMMAND]', 'what a command takes'], ['--version', 'which version this is']])}`
}

export function helpOf(command: Command): string {
  const options = Object.entries(command.options).map(([name, { value, help }]) => [
    `--${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  ])
  return `seaworthy ${synopsis(command)}: ${command.summary}${options.length === 0 ? '' : `\n\n${columns(options)}`}`
}

const synopsis = ({ name, operands }: Command) => [name, ...operands].join(' ')
