import { parseArgs } from 'node:util'
import { UsageError, suggestion } from './usage.ts'

/** An option of a command: `--name VALUE`, or `--name` alone where it has no `value`. */
interface OptionSpec {
  /** What stands for the value in the help. */
  readonly value?: string
  readonly help: string
}

/** What a command takes. */
export interface ArgumentSpec {
  /** Names of the operands, all of them needed. */
  readonly operands: readonly string[]
  readonly options: Readonly<Record<string, OptionSpec>>
}

export interface Arguments {
  readonly operands: readonly string[]
  readonly values: Readonly<Record<string, string | undefined>>
  /** Every value of the options that were given, in order; `values` has the last one. */
  readonly all: Readonly<Record<string, readonly string[] | undefined>>
  readonly flags: ReadonlySet<string>
}

/** @throws UsageError naming the argument that is unknown, missing or too much */
export function parseArguments(command: string, args: readonly string[], spec: ArgumentSpec): Arguments {
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(spec.options).map(([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' } as const]),
    ),
  })
  const operands: string[] = []
  const values: Record<string, string | undefined> = {}
  const all: Record<string, string[] | undefined> = {}
  const flags = new Set<string>()
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(spec.options, token.name) ? spec.options[token.name] : undefined
    if (option === undefined) {
      const known = Object.keys(spec.options).map((name) => `--${name}`)
      throw new UsageError(`seaworthy ${command} has no option ${token.rawName}.${suggestion(token.rawName, known)}`)
    }
    if (option.value === undefined) {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value, but got "${token.value}".`)
      flags.add(token.name)
    } else {
      if (token.value === undefined || token.value === '' || (!token.inlineValue && /^-\D/.test(token.value)))
        throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${option.value}.`)
      values[token.name] = token.value
      ;(all[token.name] ??= []).push(token.value)
    }
  }
  const missing = spec.operands[operands.length]
  if (missing !== undefined) throw new UsageError(`seaworthy ${command} needs ${missing}: seaworthy ${command} ${spec.operands.join(' ')}.`)
  const extra = operands[spec.operands.length]
  if (extra !== undefined) throw new UsageError(`seaworthy ${command} does not know what to do with "${extra}".`)
  return { operands, values, all, flags }
}

/** A port from a flag or else a variable; 0 stands for any free one. @throws UsageError naming the one that holds no port */
export function portOf(flag: string, variable: string, args: Arguments, env: NodeJS.ProcessEnv): number | undefined {
  const [source, text] = args.values[flag] === undefined ? [variable, env[variable]] : [`--${flag}`, args.values[flag]]
  if (text === undefined || text === '') return undefined
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new UsageError(`${source} must be a port, 0 to 65535, but is "${text}".`)
  return port
}

/** An address from an option; undefined where it is not given. @throws UsageError for what is none */
export function urlOf({ values }: Arguments, option: string): URL | undefined {
  const text = values[option]
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new UsageError(`--${option} must be an address such as http://127.0.0.1:4000, but is "${text}".`)
}

export const dataDirOption = { value: 'DIR', help: 'where the data is (SEAWORTHY_DATA_DIR; .seaworthy)' } as const

export function dataDirOf(args: Arguments, env: NodeJS.ProcessEnv): string {
  const fromEnv = env['SEAWORTHY_DATA_DIR']
  return args.values['data-dir'] ?? (fromEnv === undefined || fromEnv === '' ? '.seaworthy' : fromEnv)
}
