import { join } from 'node:path'
import type { Service, System } from 'seaworthy/system'
import type { DataDirectoryPaths } from './data-directory.ts'

/** The addresses of one process. All on 127.0.0.1. */
export interface Addresses {
  readonly httpPort: number
  readonly grpcPort: number | undefined
  /** The gateway's and the console's second port: the one that people use. */
  readonly publicPort: number | undefined
}

export interface ContractOptions {
  readonly system: System
  readonly paths: DataDirectoryPaths
  /** By instance. */
  readonly addresses: ReadonlyMap<string, Addresses>
  readonly instances: Instances
  /** What every process inherits. */
  readonly env: NodeJS.ProcessEnv
  /** What those show each other who move data while the system runs. */
  readonly dataToken: string
  /** What one service's process gets beyond that. */
  readonly envOf?: ((service: Service) => NodeJS.ProcessEnv) | undefined
}

/** Present exactly where the contract says; a value inherited from the shell would mislead a process that should have none. */
const OWN_VARIABLES = [
  'SEAWORTHY_GRPC_PORT',
  'SEAWORTHY_GATEWAY_PORT',
  'SEAWORTHY_CONSOLE_PORT',
  'SEAWORTHY_ROUTES',
  'SEAWORTHY_DATA_TOKEN',
  'SEAWORTHY_PREDECESSOR_URL',
] as const

/** Where servers are, and as whom to use them. A service's own come by `envOf`; what the shell has may be an administrator's. */
const SERVER_VARIABLE = /^SEAWORTHY_(?:POSTGRES|KAFKA|RABBITMQ)_URL/

export const loopbackUrl = (port: number): string => `http://127.0.0.1:${port}`

/** The names of each service's instances, by the service's: `payments-1`, `payments-2`. */
export type Instances = ReadonlyMap<string, readonly string[]>

export function instancesOf({ services }: System, scale: Readonly<Record<string, number>>): Map<string, readonly string[]> {
  return new Map(services.map(({ name }) => [name, instanceNames(name, scale[name] ?? 1)]))
}

export const instanceNames = (service: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${service}-${index + 1}`)

/** The environment of one instance's process: everything that it may know about where it runs. */
export function processEnvironment(service: Service, instance: string, options: ContractOptions): NodeJS.ProcessEnv {
  const { system, paths, addresses, instances } = options
  const own = addressesOf(instance, addresses)
  const env: NodeJS.ProcessEnv = { ...options.env }
  for (const name of OWN_VARIABLES) delete env[name]
  for (const name of Object.keys(env)) if (SERVER_VARIABLE.test(name)) delete env[name]
  Object.assign(env, {
    SEAWORTHY_SERVICE: service.name,
    SEAWORTHY_INSTANCE: instance,
    SEAWORTHY_DATA_DIR: join(paths.services, service.name),
    SEAWORTHY_LOG_DIR: paths.eventLog,
    SEAWORTHY_RUN_FILE: paths.runFile,
    SEAWORTHY_HTTP_PORT: String(own.httpPort),
    SEAWORTHY_ENDPOINTS: JSON.stringify(endpoints(service, options)),
    SEAWORTHY_STANDS_IN_FOR: standsInFor(service, system).join(','),
    SEAWORTHY_LOG_LEVEL: options.env['SEAWORTHY_LOG_LEVEL'] ?? 'info',
    ...options.envOf?.(service),
  })
  if (own.grpcPort !== undefined) env['SEAWORTHY_GRPC_PORT'] = String(own.grpcPort)
  if (service.role === 'gateway') {
    env['SEAWORTHY_GATEWAY_PORT'] = String(own.publicPort)
    env['SEAWORTHY_ROUTES'] = JSON.stringify(system.routes)
  }
  const predecessor = system.successors[service.name]
  if (predecessor !== undefined) {
    const [first = ''] = instances.get(predecessor) ?? []
    env['SEAWORTHY_PREDECESSOR_URL'] = loopbackUrl(addressesOf(first, addresses).httpPort)
  }
  if (movesData(service, system)) env['SEAWORTHY_DATA_TOKEN'] = options.dataToken
  if (service.role === 'console') env['SEAWORTHY_CONSOLE_PORT'] = String(own.publicPort)
  else {
    const console = system.services.find(({ role }) => role === 'console')
    const [consoleInstance = ''] = console === undefined ? [] : (instances.get(console.name) ?? [])
    const consolePort = addresses.get(consoleInstance)?.publicPort
    if (consolePort !== undefined) env['SEAWORTHY_OTLP_URL'] = loopbackUrl(consolePort)
  }
  return env
}

/** Whether data can move from it, to it, or at its word, while the system runs. */
function movesData({ name, role }: Service, { successors }: System): boolean {
  return Object.entries(successors).some((pair) => role === 'gateway' || pair.includes(name))
}

/** The services that do not run yet, and that this one answers for. */
export function standsInFor({ name }: Service, { standIns }: Pick<System, 'standIns'>): readonly string[] {
  return Object.keys(standIns).filter((absent) => standIns[absent] === name)
}

/** Where a callee is: one address, or those of its instances. */
interface Endpoint {
  readonly http: string | readonly string[]
  readonly grpc?: string | readonly string[]
}

/** The addresses that a process may call: those that its declaration names, their stand-ins' where they do not run yet, and for the gateway all. */
function endpoints(service: Service, { system, addresses, instances }: ContractOptions): Record<string, Endpoint> {
  const callees =
    service.role === 'gateway' ? system.services.map(({ name }) => name).filter((name) => name !== service.name) : service.calls
  // The gateway alone knows how far a successor has come: it is given both sides.
  const answering = (name: string) => (service.role === 'gateway' ? name : system.answering(name).name)
  return Object.fromEntries(
    callees.map((name) => {
      const all = (instances.get(answering(name)) ?? []).map((instance) => addressesOf(instance, addresses))
      const grpc = all.flatMap(({ grpcPort }) => (grpcPort === undefined ? [] : [`127.0.0.1:${grpcPort}`]))
      return [name, { http: oneOrAll(all.map(({ httpPort }) => loopbackUrl(httpPort))), ...(grpc.length > 0 && { grpc: oneOrAll(grpc) }) }]
    }),
  )
}

const oneOrAll = (addresses: readonly string[]): string | readonly string[] => (addresses.length === 1 ? addresses[0]! : addresses)

function addressesOf(name: string, addresses: ReadonlyMap<string, Addresses>): Addresses {
  const found = addresses.get(name)
  if (found === undefined) throw new TypeError(`No addresses were allotted to ${name}.`)
  return found
}
