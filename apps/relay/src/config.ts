import { ConfigurationError } from 'seaworthy/core'

/** What the relay's process is told by its environment. */
export interface RelayConfig {
  readonly service: string
  readonly instance: string
  /** The database of the outbox, as a connection string. */
  readonly databaseUrl: string
  /** Where events go: `kafka://host:port,host:port`, `amqp://user:password@host`, `file:///folder`. */
  readonly to: string
  /** The topics of the outbox, which this relay alone appends to. */
  readonly topics: readonly string[]
  /** What wakes it, besides its own look at the table. */
  readonly wake: Wake
  /** Whether it makes the tables, and with `replication` the slot, where they are missing. */
  readonly migrate: boolean
  readonly pollMs: number
  /** For `/healthz`, `/readyz`, `/status` and `/metrics`; 0 takes a free one. */
  readonly httpPort: number
  readonly httpHost: string
  readonly otlpUrl: string | undefined
  readonly logLevel: LogLevel
}

const WAKES = ['poll', 'notify', 'replication'] as const
export type Wake = (typeof WAKES)[number]
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
type LogLevel = (typeof LOG_LEVELS)[number]

/** @throws ConfigurationError naming every variable that is missing or wrong. Values are not repeated: they may have passwords in them. */
export function readConfig(env: NodeJS.ProcessEnv): RelayConfig {
  const problems: string[] = []
  const text = (name: string): string | undefined => env[name] || undefined
  const problem = <T>(message: string, otherwise: T): T => {
    problems.push(message)
    return otherwise
  }
  const number = (name: string, { min, max, fallback }: { min: number; max: number; fallback: number }): number => {
    const value = Number(text(name) ?? fallback)
    return Number.isInteger(value) && value >= min && value <= max
      ? value
      : problem(`${name} must be a whole number from ${min} to ${max}`, min)
  }
  const oneOf = <T extends string>(name: string, values: readonly T[], fallback: T): T =>
    values.find((value) => value === (text(name) ?? fallback)) ?? problem(`${name} must be one of ${values.join(', ')}`, fallback)

  const databaseUrl =
    text('SEAWORTHY_RELAY_DATABASE') ?? problem('SEAWORTHY_RELAY_DATABASE must be a connection string, postgres://USER@HOST/DATABASE', '')
  const to = text('SEAWORTHY_RELAY_TO') ?? ''
  if (!/^[a-z]+:\/\/./.test(to)) problems.push('SEAWORTHY_RELAY_TO must be a URL, such as kafka://HOST:PORT')
  const topics = (text('SEAWORTHY_RELAY_TOPICS') ?? '').split(',').flatMap((topic) => topic.trim() || [])
  if (topics.length === 0) problems.push('SEAWORTHY_RELAY_TOPICS must name the topics of the outbox, with commas between them')
  const config: RelayConfig = {
    service: text('SEAWORTHY_SERVICE') ?? 'relay',
    instance: text('SEAWORTHY_INSTANCE') ?? 'relay-1',
    databaseUrl,
    to,
    topics,
    wake: oneOf('SEAWORTHY_RELAY_WAKE', WAKES, 'notify'),
    migrate: oneOf('SEAWORTHY_RELAY_MIGRATE', ['true', 'false'], 'false') === 'true',
    pollMs: number('SEAWORTHY_RELAY_POLL_MS', { min: 1, max: 3_600_000, fallback: 1_000 }),
    httpPort: number('SEAWORTHY_HTTP_PORT', { min: 0, max: 65_535, fallback: 0 }),
    httpHost: text('SEAWORTHY_HTTP_HOST') ?? '127.0.0.1',
    otlpUrl: text('SEAWORTHY_OTLP_URL'),
    logLevel: oneOf('SEAWORTHY_LOG_LEVEL', LOG_LEVELS, 'info'),
  }
  if (problems.length > 0) throw new ConfigurationError(`The relay was not told what it must know: ${problems.join('; ')}.`)
  return config
}
