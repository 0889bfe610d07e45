import { isIP } from 'node:net'
import { join } from 'node:path'
import { ConfigurationError } from 'seaworthy/core'
import { isLoopback } from './access.ts'

/** What the console's process is told by its environment. */
export interface ConsoleConfig {
  readonly service: string
  readonly instance: string
  readonly databasePath: string
  readonly logsPath: string
  /** Page, API and ingest, for people. */
  readonly consolePort: number
  /** Health, for the supervisor. May be the same. */
  readonly httpPort: number
  /** OTLP over gRPC; 0 takes a free port. Absent: none. */
  readonly grpcPort: number | undefined
  readonly runFile: string | undefined
  /** Files of gateways that no supervisor started, by the names that they are shown under. */
  readonly gatewayFiles: ReadonlyMap<string, string>
  readonly logLevel: LogLevel
  readonly hostNames: readonly string[]
  /** Where it listens for people and senders. Anything but loopback needs a token. */
  readonly address: string
  /** What whoever is not on this machine has to show. */
  readonly token: string | undefined
  readonly tracesMax: number
  readonly bytesMax: number
  readonly ageMaxMs: number
  readonly keptAgeMaxMs: number
  readonly logBytesMax: number
  readonly logAgeMaxMs: number
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
type LogLevel = (typeof LOG_LEVELS)[number]
/** Long enough not to be guessed. */
const TOKEN_LENGTH_MIN = 20
const HOUR_MS = 3_600_000
const MEBIBYTE = 1 << 20

/** @throws ConfigurationError naming every variable that is missing or wrong */
export function readConfig(env: NodeJS.ProcessEnv): ConsoleConfig {
  const problems: string[] = []
  const number = (name: string, range: { min: number; max: number; fallback?: number }): number => {
    const text = env[name]
    const value = text === undefined || text === '' ? range.fallback : Number(text)
    if (value !== undefined && Number.isInteger(value) && value >= range.min && value <= range.max) return value
    problems.push(`${name} must be a whole number from ${range.min} to ${range.max}`)
    return range.min
  }
  const port = { min: 1, max: 65_535 }
  const optionalPort = (name: string) => (env[name] ? number(name, { min: 0, max: 65_535 }) : undefined)
  const dataDir = env['SEAWORTHY_DATA_DIR'] ?? ''
  if (dataDir === '') problems.push('SEAWORTHY_DATA_DIR must name the folder for the traces')
  const logLevel = LOG_LEVELS.find((level) => level === (env['SEAWORTHY_LOG_LEVEL'] || 'info'))
  if (logLevel === undefined) problems.push(`SEAWORTHY_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}`)
  const consolePort = number('SEAWORTHY_CONSOLE_PORT', port)
  const address = env['SEAWORTHY_CONSOLE_ADDRESS'] || '127.0.0.1'
  if (isIP(address) === 0 && address !== 'localhost')
    problems.push('SEAWORTHY_CONSOLE_ADDRESS must be an address of this machine, such as 0.0.0.0')
  const token = env['SEAWORTHY_CONSOLE_TOKEN'] || undefined
  if (token !== undefined && !/^[\w.~+/=-]+$/.test(token))
    problems.push('SEAWORTHY_CONSOLE_TOKEN must be letters, digits and . _ ~ + / = -')
  if (token === undefined ? !isLoopback(address) : token.length < TOKEN_LENGTH_MIN)
    problems.push(
      `SEAWORTHY_CONSOLE_TOKEN must have at least ${TOKEN_LENGTH_MIN} characters where others than this machine can reach the console`,
    )
  const gateways = (env['SEAWORTHY_CONSOLE_GATEWAYS'] ?? '').split(',').flatMap((text) => {
    if (text.trim() === '') return []
    const { name, file } = /^\s*(?<name>[\w.-]{1,64})=(?<file>[^\0]+)$/.exec(text)?.groups ?? {}
    if (name !== undefined && file !== undefined) return [[name, file] as const]
    problems.push('SEAWORTHY_CONSOLE_GATEWAYS must be NAME=FILE, or several of them with commas between, with the files of gateways')
    return []
  })
  const config: ConsoleConfig = {
    service: env['SEAWORTHY_SERVICE'] || 'console',
    instance: env['SEAWORTHY_INSTANCE'] || 'console-1',
    databasePath: join(dataDir, 'traces.sqlite'),
    logsPath: join(dataDir, 'logs.sqlite'),
    consolePort,
    httpPort: number('SEAWORTHY_HTTP_PORT', { ...port, fallback: consolePort }),
    grpcPort: optionalPort('SEAWORTHY_GRPC_PORT') ?? optionalPort('SEAWORTHY_CONSOLE_GRPC_PORT'),
    runFile: env['SEAWORTHY_RUN_FILE'] || undefined,
    gatewayFiles: new Map(gateways),
    logLevel: logLevel ?? 'info',
    hostNames: (env['SEAWORTHY_CONSOLE_HOSTS'] ?? '').split(',').flatMap((name) => name.trim() || []),
    address,
    token,
    tracesMax: number('SEAWORTHY_CONSOLE_TRACES_MAX', { min: 1, max: 10_000_000, fallback: 20_000 }),
    bytesMax: number('SEAWORTHY_CONSOLE_MIB_MAX', { min: 1, max: 1_048_576, fallback: 512 }) * MEBIBYTE,
    ageMaxMs: number('SEAWORTHY_CONSOLE_AGE_MAX_HOURS', { min: 1, max: 87_600, fallback: 168 }) * HOUR_MS,
    keptAgeMaxMs: number('SEAWORTHY_CONSOLE_KEPT_AGE_MAX_HOURS', { min: 1, max: 87_600, fallback: 720 }) * HOUR_MS,
    logBytesMax: number('SEAWORTHY_CONSOLE_LOGS_MIB_MAX', { min: 1, max: 1_048_576, fallback: 128 }) * MEBIBYTE,
    logAgeMaxMs: number('SEAWORTHY_CONSOLE_LOGS_AGE_MAX_HOURS', { min: 1, max: 87_600, fallback: 168 }) * HOUR_MS,
  }
  if (problems.length > 0) throw new ConfigurationError(`The console cannot start: ${problems.join('; ')}.`)
  return config
}
