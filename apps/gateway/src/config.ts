import { ConfigurationError } from 'seaworthy/core'
import type { Route } from 'seaworthy/system'
import { HostPolicy } from './host-policy.ts'

/** What the gateway is told by whoever starts it, by environment variables. */
export interface GatewayConfig {
  readonly service: string
  readonly instance: string
  /** The public port; 0 takes a free one. */
  readonly publicPort: number
  /** For the admin API, `/healthz` and `/readyz`. */
  readonly healthPort: number
  /** Names under which the gateway answers. */
  readonly hosts: readonly string[]
  readonly routes: readonly Route[]
  /** Base URLs of the instances, by service, for every service that a route leads to. */
  readonly upstreams: ReadonlyMap<string, readonly URL[]>
  /** The gateway's own folder: ledger, and token of the admin API. */
  readonly dataDir: string
  /** What the processes that move data are shown. */
  readonly dataToken: string | undefined
  readonly otlpUrl: string | undefined
  readonly logLevel: LogLevel
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
type LogLevel = (typeof LOG_LEVELS)[number]

/** What every gateway is told of its process. */
export type ProcessConfig = Pick<GatewayConfig, 'service' | 'instance' | 'otlpUrl' | 'logLevel'>

/** @throws ConfigurationError naming every variable that is wrong */
export function readProcessConfig(env: NodeJS.ProcessEnv): ProcessConfig {
  const variables = new Variables(env)
  const config = processConfig(variables)
  variables.assertSound()
  return config
}

function processConfig(variables: Variables): ProcessConfig {
  return {
    service: variables.optional('SEAWORTHY_SERVICE', 'gateway', String),
    instance: variables.optional('SEAWORTHY_INSTANCE', 'gateway-1', String),
    otlpUrl: variables.optional('SEAWORTHY_OTLP_URL', undefined, (text) => new URL(text).href),
    logLevel: variables.optional<LogLevel>('SEAWORTHY_LOG_LEVEL', 'info', (text) => {
      const level = LOG_LEVELS.find((each) => each === text)
      if (level === undefined) throw new TypeError(`is ${text}, not one of ${LOG_LEVELS.join(', ')}`)
      return level
    }),
  }
}

class Variables {
  readonly #env: NodeJS.ProcessEnv
  readonly problems: string[] = []

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env
  }

  /** The checked value of a variable, or `fallback` after noting what is wrong. */
  read<T>(name: string, fallback: T, check: (text: string) => T): T {
    const text = this.#env[name]
    try {
      if (text === undefined || text === '') throw new TypeError('is not set')
      return check(text)
    } catch (error) {
      this.problems.push(`${name} ${error instanceof Error ? error.message : String(error)}`)
      return fallback
    }
  }

  optional<T>(name: string, absent: T, check: (text: string) => T): T {
    return this.#env[name] === undefined || this.#env[name] === '' ? absent : this.read(name, absent, check)
  }

  assertSound(): void {
    if (this.problems.length === 0) return
    throw new ConfigurationError(
      `The gateway was not told what it must know. Start it by the supervisor, or set the variables yourself: ${this.problems.join('; ')}.`,
    )
  }
}

/** @throws ConfigurationError naming every variable that is missing or wrong */
export function readConfig(env: NodeJS.ProcessEnv): GatewayConfig {
  const variables = new Variables(env)
  const endpoints = variables.read('SEAWORTHY_ENDPOINTS', new Map<string, readonly URL[]>(), readEndpoints)
  const config: GatewayConfig = {
    publicPort: variables.read('SEAWORTHY_GATEWAY_PORT', 0, readPort),
    healthPort: variables.read('SEAWORTHY_HTTP_PORT', 0, readPort),
    hosts: variables.optional('SEAWORTHY_GATEWAY_HOSTS', ['local'], readHosts),
    routes: variables.read('SEAWORTHY_ROUTES', [], readRoutes),
    upstreams: endpoints,
    dataDir: variables.read('SEAWORTHY_DATA_DIR', '', String),
    dataToken: variables.optional<string | undefined>('SEAWORTHY_DATA_TOKEN', undefined, String),
    ...processConfig(variables),
  }
  const led = config.routes.flatMap(({ service, to }) => [service, ...(to === undefined ? [] : [to])])
  const lost = new Set(led.filter((service) => !endpoints.has(service)))
  if (endpoints.size > 0 && lost.size > 0)
    variables.problems.push(`SEAWORTHY_ENDPOINTS has no address of ${[...lost].join(', ')}, where routes lead to`)
  variables.assertSound()
  return config
}

function readPort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new TypeError(`is ${text}, not a port from 0 to 65535`)
  return port
}

function readHosts(text: string): readonly string[] {
  const hosts = text.split(',').map((host) => host.trim())
  // Its constructor says what is wrong with one.
  void new HostPolicy(hosts)
  return hosts
}

function readRoutes(text: string): readonly Route[] {
  const routes: unknown = JSON.parse(text)
  if (!Array.isArray(routes)) throw new TypeError('is no JSON array of routes')
  return routes.map((route: unknown, index): Route => {
    const { path, service, id, also, to } = record(route, `has an entry ${index} that is no object`)
    if (typeof path !== 'string' || typeof service !== 'string') throw new TypeError(`has an entry ${index} without path and service`)
    return {
      path,
      service,
      ...(typeof id === 'string' && { id }),
      ...(Array.isArray(also) && { also: also.map(String) }),
      ...(typeof to === 'string' && { to }),
    }
  })
}

function readEndpoints(text: string): Map<string, readonly URL[]> {
  const endpoints = record(JSON.parse(text), 'is no JSON object')
  return new Map(
    Object.entries(endpoints).map(([service, endpoint]) => {
      const { http } = record(endpoint, `has an entry ${service} that is no object`)
      const instances: readonly unknown[] = Array.isArray(http) ? http : [http]
      if (instances.length === 0) throw new TypeError(`has no URL at ${service}.http`)
      return [service, instances.map((instance) => readBaseUrl(instance, `${service}.http`))]
    }),
  )
}

function readBaseUrl(value: unknown, at: string): URL {
  if (typeof value !== 'string' || !URL.canParse(value)) throw new TypeError(`has no URL at ${at}`)
  const url = new URL(value)
  if (url.protocol !== 'http:' || url.pathname !== '/') throw new TypeError(`has ${value} at ${at}; expected http://HOST:PORT`)
  return url
}

function record(value: unknown, otherwise: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError(otherwise)
  return value as Record<string, unknown>
}
