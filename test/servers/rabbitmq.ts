import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installDebianPackages } from './debian.ts'
import { onFreePorts, startServer } from './server-process.ts'

/** A real RabbitMQ of this process alone, one node on loopback. It ends with the process, however that ends. */
export interface RabbitMqServer {
  /** `amqp://guest:guest@127.0.0.1:PORT`; the same after a restart. */
  readonly url: string
  readonly port: number
  /** Ends the broker by a signal and keeps its data. */
  readonly kill: (signal: 'KILL' | 'TERM') => Promise<void>
  /** Starts it again on what it left. */
  readonly start: () => Promise<void>
  /** Runs a command of `rabbitmqctl` and answers what it printed. */
  readonly control: (...command: readonly string[]) => string
  /** Ends it at once and removes its data. */
  readonly stop: () => Promise<void>
}

export interface RabbitMqServerOptions {
  /** Further lines of rabbitmq.conf, such as `consumer_timeout`. */
  readonly settings?: Readonly<Record<string, string>>
}

// Debian's scripts in /usr/sbin run the server as a user of its own, and so need root; those that they call do not.
const DEBIAN_SCRIPTS = '/usr/lib/rabbitmq/bin'
const INSTALL = 'Debian: apt-get install --no-install-recommends rabbitmq-server. macOS: brew install rabbitmq.'

/**
 * Installs Debian's package, if this is Debian and root asks, without starting its service.
 * @throws Error that says what to install
 */
export async function installRabbitMq(): Promise<void> {
  if (scripts() === undefined) installDebianPackages(['rabbitmq-server'], missing())
}

/** Starts an empty broker on free ports. It takes about seven seconds. */
export async function startRabbitMq(options: RabbitMqServerOptions = {}): Promise<RabbitMqServer> {
  const found = scripts()
  if (found === undefined) throw new Error(missing())
  return onFreePorts(3, {
    start: ([port, distributionPort, epmdPort]) =>
      startOn({ port: port!, distributionPort: distributionPort!, epmdPort: epmdPort! }, found, options),
    isTaken: (message) => /eaddrinuse|in use/i.test(message),
  })
}

async function startOn(
  { port, distributionPort, epmdPort }: { port: number; distributionPort: number; epmdPort: number },
  scripts: string,
  options: RabbitMqServerOptions,
): Promise<RabbitMqServer> {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-rabbitmq-'))
  const epmdDirectory = mkdtempSync(join(tmpdir(), 'seaworthy-epmd-'))
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmdPort),
    // Erlang keeps its cookie there.
    HOME: directory,
    // Makes the script become the server instead of staying as its parent, so that a signal reaches it.
    RABBITMQ_ALLOW_INPUT: 'true',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput',
    RABBITMQ_NODENAME: `seaworthy-${randomBytes(4).toString('hex')}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(directory, 'data'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: join(directory, 'none.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'plugins'),
    RABBITMQ_PID_FILE: join(directory, 'broker.pid'),
    LC_ALL: 'C.UTF-8',
  }
  const settings = { 'listeners.tcp.1': `127.0.0.1:${port}`, 'log.console': 'true', 'log.console.level': 'info', ...options.settings }
  for (const folder of ['data', 'log']) mkdirSync(join(directory, folder))
  writeFileSync(join(directory, 'plugins'), '[].\n')
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`)
  writeFileSync(join(directory, 'rabbitmq.conf'), lines.join(''))
  // Every Erlang node needs this name server, and would leave one behind that it started by itself.
  const epmd = await startServer({
    name: 'epmd',
    command: ['epmd', '-d', '-address', '127.0.0.1', '-port', String(epmdPort)],
    directory: epmdDirectory,
    endSignal: 'KILL',
    isReady: (line) => line.includes('epmd running'),
  }).catch((error: unknown) => {
    rmSync(directory, { recursive: true, force: true })
    throw error
  })
  try {
    const server = await startServer({
      name: 'RabbitMQ',
      command: [join(scripts, 'rabbitmq-server')],
      directory,
      environment,
      // Its data is thrown away: no need to wait until it has put everything in order.
      endSignal: 'KILL',
      isReady: (line) => line.includes('Server startup complete'),
      hasFailed: (line) => line.includes('BOOT FAILED'),
      startTimeoutMs: 180_000,
    })
    return {
      url: `amqp://guest:guest@127.0.0.1:${port}`,
      port,
      kill: (signal) => server.kill(signal),
      start: () => server.start(),
      control: (...command) => {
        const { status, stdout, stderr } = spawnSync(join(scripts, 'rabbitmqctl'), ['--quiet', ...command], {
          env: environment,
          encoding: 'utf8',
        })
        if (status !== 0) throw new Error(`rabbitmqctl ${command.join(' ')} failed:\n${stdout}${stderr}`)
        return stdout
      },
      stop: async () => {
        await server.stop()
        await epmd.stop()
      },
    }
  } catch (error) {
    await epmd.stop()
    throw error
  }
}

/** The folder of RabbitMQ's scripts; undefined when it is not installed. */
function scripts(): string | undefined {
  if (existsSync(join(DEBIAN_SCRIPTS, 'rabbitmq-server'))) return DEBIAN_SCRIPTS
  const { status, stdout } = spawnSync('/bin/sh', ['-c', 'dirname "$(command -v rabbitmq-server)"'], { encoding: 'utf8' })
  const folder = stdout.trim()
  return status === 0 && folder !== '' && folder !== '.' ? folder : undefined
}

function missing(): string {
  return `RabbitMQ is not installed here. ${INSTALL} Or name a server that runs already: scripts/servers.ts tells how.`
}
