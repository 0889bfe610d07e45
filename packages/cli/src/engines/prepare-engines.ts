import { randomBytes } from 'node:crypto'
import { ConfigurationError } from 'seaworthy/core'
import type { Service, System } from 'seaworthy/system'
import { type Engine, type EngineSettings, URL_VARIABLES } from './engine-settings.ts'
import { EngineUnreachableError, remedy } from './errors.ts'

/** What a service's process is told of the engines that it is to use: see ARCHITECTURE.md. */
export type EngineVariables = (service: Service) => NodeJS.ProcessEnv

const REACH_TIMEOUT_MS = 5_000

/**
 * Looks whether every engine answers, and gives each service a database of its own. Nothing of the system has been started yet.
 * @throws EngineUnreachableError; ConfigurationError where an address is missing
 */
export async function prepareEngines(system: System, settings: EngineSettings, env: NodeJS.ProcessEnv): Promise<EngineVariables> {
  const { urls, prefix } = settings
  const [kafka, rabbitmq] = [urlOf('kafka', urls), urlOf('rabbitmq', urls)]
  const [databases] = await Promise.all([
    urls.has('postgres') ? ownDatabases(system, settings, env) : new Map<string, string>(),
    kafka === undefined ? undefined : reached('kafka', kafka, reachKafka),
    rabbitmq === undefined ? undefined : reached('rabbitmq', rabbitmq, reachRabbitMq),
  ])
  return (service) => {
    if (!isBusiness(service)) return {}
    const database = databases.get(service.name)
    return {
      ...(urls.size > 0 && { SEAWORTHY_ENGINE_PREFIX: prefix }),
      ...(database !== undefined && { SEAWORTHY_POSTGRES_URL: database }),
      ...(kafka !== undefined && { SEAWORTHY_KAFKA_URL: kafka }),
      ...(rabbitmq !== undefined && { SEAWORTHY_RABBITMQ_URL: rabbitmq }),
    }
  }
}

/** Gateway and console keep what they have to themselves. */
function isBusiness({ role }: Service): boolean {
  return role === 'service' || role === 'monolith'
}

/** @throws ConfigurationError when it is used, and nobody said where it is */
export function urlOf(engine: Engine, urls: EngineSettings['urls']): string | undefined {
  const url = urls.get(engine)
  if (url === undefined && urls.has(engine)) throw new ConfigurationError(`Nobody said where ${engine} is. ${remedy(engine)}`)
  return url
}

/** The database of each service, as its own role: one that was named for it, or one that is made on a server of this machine. */
async function ownDatabases(
  system: System,
  { urls, prefix }: EngineSettings,
  env: NodeJS.ProcessEnv,
): Promise<ReadonlyMap<string, string>> {
  const { openPostgresDatabase, provisionDatabase } = await import('@seaworthy/postgres')
  const owners = system.services.filter((service) => isBusiness(service) && service.owns.length > 0)
  return new Map(
    await Promise.all(
      owners.map(async ({ name }) => {
        const named = env[ownVariable(name)]
        if (named !== undefined && named !== '') {
          await reached('postgres', named, async (connection) => (await openPostgresDatabase({ connection })).close())
          return [name, named] as const
        }
        const administrator = urlOf('postgres', urls)!
        assertLoopback(administrator, name)
        const made = await reached('postgres', administrator, () =>
          provisionDatabase({
            administrator,
            name: databaseOf(prefix, name),
            // Nobody need know it beyond this run: the next one sets another.
            password: randomBytes(24).toString('base64url'),
            mayScrub: true,
            connectTimeoutMs: REACH_TIMEOUT_MS,
          }),
        )
        return [name, made] as const
      }),
    ),
  )
}

/** What the database of a service is called, where it is made here. */
export function databaseOf(prefix: string, service: string): string {
  return `${prefix}_${service}`.replaceAll('-', '_')
}

/** The variable with a service's own database, where an administrator made it: `SEAWORTHY_POSTGRES_URL_ORDER_HISTORY`. */
export function ownVariable(service: string): string {
  return `${URL_VARIABLES.postgres}_${service.toUpperCase().replaceAll('-', '_')}`
}

/** A server that others use too is not ours to make roles on. */
function assertLoopback(url: string, service: string): void {
  const host = URL.parse(url)?.hostname
  if (host === 'localhost' || host === '127.0.0.1' || host === '[::1]') return
  throw new ConfigurationError(
    `Roles and databases are made on servers of this machine alone. On others an administrator makes them (docs/4-data/engines.md has the SQL), and ${ownVariable(service)} says where ${service} has its own.`,
  )
}

export async function reached<T>(engine: Engine, url: string, ask: (url: string) => Promise<T>): Promise<T> {
  try {
    return await ask(url)
  } catch (cause) {
    throw new EngineUnreachableError(engine, url, cause)
  }
}

async function reachKafka(connection: string): Promise<void> {
  const { openKafkaEventLog } = await import('@seaworthy/kafka')
  await (await openKafkaEventLog({ connection })).close()
}

async function reachRabbitMq(url: string): Promise<void> {
  const { openRabbitMqBroker } = await import('@seaworthy/rabbitmq')
  await (await openRabbitMqBroker({ url, connectTimeoutMs: REACH_TIMEOUT_MS })).close()
}
