import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Arguments } from '../arguments.ts'
import { UsageError, suggestion } from '../usage.ts'

const ENGINES = ['postgres', 'kafka', 'rabbitmq'] as const

export type Engine = (typeof ENGINES)[number]

/** Which servers stand behind the ports of a system, and where they are. */
export interface EngineSettings {
  /** Of those that are used. Undefined: no address is known. */
  readonly urls: ReadonlyMap<Engine, string | undefined>
  /** What databases, topics and queues are called after, for several systems on one server. */
  readonly prefix: string
}

/** Where each engine's address is looked for, after the command line. */
export const URL_VARIABLES: Readonly<Record<Engine, string>> = {
  postgres: 'SEAWORTHY_POSTGRES_URL',
  kafka: 'SEAWORTHY_KAFKA_URL',
  rabbitmq: 'SEAWORTHY_RABBITMQ_URL',
}

export const engineOptions = {
  engines: { value: 'A,B', help: `servers behind the ports instead of embedded engines: ${ENGINES.join(', ')} (SEAWORTHY_ENGINES)` },
  'engine-url': {
    value: 'ENGINE=URL',
    help: 'where one is (SEAWORTHY_POSTGRES_URL, …; what `npm run servers -- up` started); once for each',
  },
  'engine-prefix': {
    value: 'NAME',
    help: "what databases, topics and queues are called after (SEAWORTHY_ENGINE_PREFIX; the system's name)",
  },
} as const

const PREFIX = /^[a-z][a-z0-9-]{0,19}$/

/** @throws UsageError for an engine that there is not, or a URL of one that is not used */
export function engineSettings(args: Arguments, env: NodeJS.ProcessEnv, system: string): EngineSettings {
  const used = listed(args.values['engines'] ?? env['SEAWORTHY_ENGINES'] ?? '').map(engineOf)
  const given = new Map(
    (args.all['engine-url'] ?? []).map((text) => {
      const equals = text.indexOf('=')
      if (equals < 1) throw new UsageError(`--engine-url must be ENGINE=URL, as in postgres=postgres://…, but is "${text}".`)
      return [engineOf(text.slice(0, equals)), text.slice(equals + 1)] as const
    }),
  )
  for (const engine of given.keys())
    if (!used.includes(engine)) throw new UsageError(`--engine-url says where ${engine} is, but --engines does not name it.`)
  const prefix = args.values['engine-prefix'] ?? env['SEAWORTHY_ENGINE_PREFIX'] ?? system
  if (used.length > 0 && !PREFIX.test(prefix))
    throw new UsageError(`--engine-prefix must be of 1 to 20 lower-case letters, digits and hyphens, but is "${prefix}".`)
  const started = used.length === 0 ? {} : startedServers()
  const urlOf = (engine: Engine) => given.get(engine) ?? (env[URL_VARIABLES[engine]] || started[URL_VARIABLES[engine]])
  return { urls: new Map(used.map((engine) => [engine, urlOf(engine)])), prefix }
}

function listed(text: string): readonly string[] {
  return text.split(',').flatMap((part) => part.trim() || [])
}

function engineOf(name: string): Engine {
  const known = ENGINES.find((engine) => engine === name)
  if (known === undefined) throw new UsageError(`There is no engine ${name}.${suggestion(name, ENGINES)} There are: ${ENGINES.join(', ')}.`)
  return known
}

/** What `npm run servers -- up` wrote down, in a checkout. Whether they still run shows when they are asked. */
function startedServers(): Readonly<Record<string, string | undefined>> {
  try {
    const file = readFileSync(join(process.cwd(), '.seaworthy/servers.json'), 'utf8')
    return (JSON.parse(file) as { variables: Record<string, string> }).variables
  } catch {
    return {}
  }
}
