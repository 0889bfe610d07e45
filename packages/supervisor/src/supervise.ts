import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Clock, ConfigurationError, newId, SeaworthyError, systemClock, systemRandom } from 'seaworthy/core'
import type { Service, System } from 'seaworthy/system'
import { removeAbandonedSocket } from './control-socket.ts'
import { type DataDirectory, openDataDirectory } from './data-directory.ts'
import { DataDirectoryError } from './errors.ts'
import { Guardian } from './guardian.ts'
import { endLeftovers } from './leftovers.ts'
import { type Report, limited } from './notice.ts'
import { assertPortFree, freePorts } from './ports.ts'
import { type Addresses, type Instances, instancesOf, processEnvironment } from './process-contract.ts'
import { ProcessPool } from './process-pool.ts'
import { ProcessOutput } from './process-output.ts'
import { RotatingLog } from './rotating-log.ts'
import { readRunFile } from './run-file.ts'
import { RunningSystem } from './running-system.ts'
import { type RestartPolicy, SupervisedProcess, defaultRestartPolicy } from './supervised-process.ts'

export interface SuperviseOptions {
  readonly system: System
  /** Created when it is missing. One supervisor at a time has it. */
  readonly dataDir: string
  /** The public port of the process with the role `gateway`; 0 takes a free one. Default 8080. */
  readonly gatewayPort?: number | undefined
  /** The public port of the process with the role `console`; 0 takes a free one. Default 4000. */
  readonly consolePort?: number | undefined
  /** Where the process with the role `console` takes OTLP over gRPC, if it does. 0, the default, takes a free one. */
  readonly consoleGrpcPort?: number | undefined
  /** How many instances of a service run, where that is more than one. Whether they get along is its engines' business: on embedded storage they do not. */
  readonly scale?: Readonly<Record<string, number>>
  /** @throws UnsupportedError for a scale that the engines of a service do not bear. Asked at the start, and when the scale changes. Default: they bear any. */
  readonly assertScale?: ((scale: Readonly<Record<string, number>>) => void) | undefined
  /** What every process inherits. Default: this process's environment. */
  readonly env?: NodeJS.ProcessEnv
  /** What one service's process gets beyond that, such as the address of its database. */
  readonly envOf?: (service: Service) => NodeJS.ProcessEnv
  /** The working directory of every process. Default: this process's. */
  readonly cwd?: string
  /** Told what a person at the terminal should know. Default: nobody. */
  readonly report?: Report
  readonly restartPolicy?: Partial<RestartPolicy>
  /** The size at which a process's log is rotated; one older file is kept. Default 10 MiB. */
  readonly logBytesMax?: number
}

/** More of one service on one machine is a slip of the hand. */
const INSTANCES_MAX = 32

const PUBLIC_PORTS = {
  gateway: { purpose: 'gateway', flag: '--gateway-port', variable: 'SEAWORTHY_GATEWAY_PORT' },
  console: { purpose: 'console', flag: '--console-port', variable: 'SEAWORTHY_CONSOLE_PORT' },
  consoleGrpc: { purpose: 'OTLP over gRPC', flag: '--console-grpc-port', variable: 'SEAWORTHY_CONSOLE_GRPC_PORT' },
} as const

/**
 * Starts every process of a system and keeps it running. Resolves when all have been spawned; `untilReady` waits for the rest.
 * @throws AlreadyRunningError, DataDirectoryError, PortTakenError, ConfigurationError: nothing was started
 */
export async function supervise(options: SuperviseOptions): Promise<RunningSystem> {
  const { system } = options
  if (process.platform === 'win32')
    throw new ConfigurationError('Systems are supervised by the means of Linux and macOS. On Windows, use WSL.')
  for (const { name, main } of system.services)
    if (!existsSync(main)) throw new ConfigurationError(`The module of ${name}, ${fileURLToPath(main)}, does not exist.`)
  const { scale = {} } = options
  const assertScale = (wanted: Readonly<Record<string, number>>) => {
    assertInstances(system, wanted)
    options.assertScale?.(wanted)
  }
  assertScale(scale)
  const instances = instancesOf(system, scale)
  const clock = systemClock
  const report = options.report ?? (() => {})
  const directory = openDataDirectory(resolve(options.dataDir))
  try {
    await recover(directory, clock, report)
    const addresses = await allot(options, instances, directory)
    return await run(options, { directory, addresses, instances, clock, report, assertScale })
  } catch (error) {
    directory.release()
    throw isSystemError(error) ? new DataDirectoryError(directory.path, error) : error
  }
}

/** What the operating system refused: opening a log, the control socket, the run file. */
function isSystemError(error: unknown): boolean {
  return !(error instanceof SeaworthyError) && typeof (error as NodeJS.ErrnoException).syscall === 'string'
}

/** Ends what a killed supervisor left behind. */
async function recover(directory: DataDirectory, clock: Clock, report: Report): Promise<void> {
  const abandoned = readRunFile(directory.runFile)
  if (abandoned === undefined) return
  const killed = await endLeftovers(abandoned, directory.runFile, clock)
  removeAbandonedSocket(abandoned.controlSocket)
  rmSync(directory.runFile, { force: true })
  if (killed.length > 0)
    report({ service: undefined, level: 'warning', message: `ended processes of an earlier run: ${killed.join(', ')}` })
}

async function allot(options: SuperviseOptions, instances: Instances, directory: DataDirectory): Promise<Map<string, Addresses>> {
  const asked = { gateway: options.gatewayPort ?? 8080, console: options.consolePort ?? 4000 }
  if (asked.gateway === asked.console && asked.gateway !== 0)
    throw new ConfigurationError(
      `Gateway and console cannot both have port ${asked.gateway}. Choose another by --gateway-port or --console-port.`,
    )
  const { services } = options.system
  const wantedGrpc = ({ role }: Service): number => (role === 'console' ? (options.consoleGrpcPort ?? 0) : 0)
  const publicRole = ({ role }: Service) => (role === 'gateway' || role === 'console' ? role : undefined)
  for (const service of services) {
    const role = publicRole(service)
    if (role !== undefined && asked[role] !== 0) await assertPortFree(asked[role], PUBLIC_PORTS[role])
    if (wantedGrpc(service) !== 0) await assertPortFree(wantedGrpc(service), PUBLIC_PORTS.consoleGrpc)
  }
  const wanted = services.reduce((sum, service) => {
    const role = publicRole(service)
    const count = instances.get(service.name)!.length
    return sum + count * (service.serves.includes('grpc') ? 2 : 1) + (role !== undefined && asked[role] === 0 ? 1 : 0)
  }, 0)
  const ports = (await freePorts(wanted, directory.path, new Set([asked.gateway, asked.console, options.consoleGrpcPort ?? 0]))).values()
  const next = () => ports.next().value ?? 0
  return new Map(
    services.flatMap((service) => {
      const role = publicRole(service)
      return instances.get(service.name)!.map((instance) => [
        instance,
        {
          httpPort: next(),
          grpcPort: service.serves.includes('grpc') ? wantedGrpc(service) || next() : undefined,
          publicPort: role === undefined ? undefined : asked[role] === 0 ? next() : asked[role],
        },
      ])
    }),
  )
}

/** @throws ConfigurationError for a service that there is not, or that has so many instances never */
function assertInstances(system: System, scale: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(scale)) {
    const { role, instancesMax } = system.service(name)
    if (!Number.isInteger(count) || count < 1 || count > INSTANCES_MAX)
      throw new ConfigurationError(`A service has 1 to ${INSTANCES_MAX} instances, and ${name} not ${count}.`)
    if (count > 1 && (role === 'gateway' || role === 'console'))
      throw new ConfigurationError(`The ${role} has a port that people use, and one instance.`)
    if (count > instancesMax) throw new ConfigurationError(`${name} declares that ${instancesMax} of it may run, and not ${count}.`)
  }
}

/** What people call a process, and its log: the first instance by the name of its service, as if it were alone. */
function spokenName(service: Service, instance: string): string {
  return instance === `${service.name}-1` ? service.name : instance
}

async function run(
  options: SuperviseOptions,
  parts: {
    directory: DataDirectory
    addresses: Map<string, Addresses>
    instances: Map<string, readonly string[]>
    clock: Clock
    report: Report
    assertScale: (scale: Readonly<Record<string, number>>) => void
  },
): Promise<RunningSystem> {
  const { system } = options
  const { directory, addresses, instances, clock, report, assertScale } = parts
  const guardian = new Guardian()
  const env = options.env ?? process.env
  const contract = { system, paths: directory, addresses, instances, env, dataToken: newId(), envOf: options.envOf }
  const logs: RotatingLog[] = []
  // The processes report their changes to the running system, which is made of them.
  let running: RunningSystem | undefined
  const make = (service: Service, instance: string) => {
    const name = spokenName(service, instance)
    const logFile = join(directory.logs, `${name}.log`)
    const log = new RotatingLog(logFile, { bytesMax: options.logBytesMax ?? 10 * 1024 * 1024 })
    logs.push(log)
    mkdirSync(join(directory.services, service.name), { recursive: true })
    return new SupervisedProcess({
      service,
      instance,
      name,
      env: () => processEnvironment(service, instance, contract),
      cwd: options.cwd ?? process.cwd(),
      httpPort: addresses.get(instance)?.httpPort ?? 0,
      output: new ProcessOutput(name, log, limited(report, clock, logFile)),
      logFile,
      guardian,
      policy: { ...defaultRestartPolicy, ...options.restartPolicy },
      clock,
      random: systemRandom,
      report,
      onChange: () => running?.changed(),
      onMessage: (message) => running?.heard(service, message),
    })
  }
  const pool = new ProcessPool({
    instances,
    addresses,
    make,
    async allot({ serves }) {
      const taken = new Set(
        [...addresses.values()].flatMap(({ httpPort, grpcPort, publicPort }) => [httpPort, grpcPort ?? 0, publicPort ?? 0]),
      )
      const [httpPort = 0, grpcPort] = await freePorts(serves.includes('grpc') ? 2 : 1, directory.path, taken)
      return { httpPort, grpcPort, publicPort: undefined }
    },
  })
  for (const service of system.services) for (const instance of instances.get(service.name)!) pool.add(service, instance)
  running = new RunningSystem({
    system,
    directory,
    pool,
    assertScale,
    clock,
    report,
    onStopped: () => {
      guardian.close()
      for (const log of logs) log.close()
      rmSync(directory.runFile, { force: true })
      directory.release()
    },
  })
  try {
    await running.start()
  } catch (error) {
    running.kill()
    guardian.close()
    throw error
  }
  return running
}
