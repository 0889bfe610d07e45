import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { engineArguments, type ShopEngines } from './engines.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** A process of the running shop, as run.json has it. */
interface RunningProcess {
  readonly name: string
  readonly instance: string
  readonly pid: number | null
  readonly state: string
  readonly restarts: number
  readonly httpUrl: string
}

/** The whole shop, started as `npm start` starts it, with a data directory and ports of its own. */
export interface Shop {
  readonly gateway: string
  readonly console: string
  readonly dataDir: string
  readonly engines: ShopEngines | undefined
  readonly supervisorPid: number
  processes(): readonly RunningProcess[]
  process(name: string): RunningProcess
  /** All instances of it. */
  instances(name: string): readonly RunningProcess[]
  /** All that the supervisor printed. */
  output(): string
  /** Stops it as Ctrl-C does. @returns how long that took, in ms */
  stop(): Promise<number>
  [Symbol.asyncDispose](): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

export interface StartShopOptions {
  /** Default: a temporary one, removed in the end. */
  readonly dataDir?: string
  readonly env?: Readonly<Record<string, string>>
  readonly readyTimeoutMs?: number
  /** Default: none, and so embedded ones. */
  readonly engines?: ShopEngines
  /** How many instances of a service, as in `payments=3`. */
  readonly scale?: readonly string[]
  /** Default: the one that the data is at, and so the first for a new shop. */
  readonly stage?: number
  /** False where nobody looks at it: a process less. Default: true. */
  readonly console?: boolean
  /** The module that exports the system. Default: the shop itself. */
  readonly system?: string
}

export async function startShop(options: StartShopOptions = {}): Promise<Shop> {
  const ownDir = options.dataDir === undefined ? mkdtempSync(join(tmpdir(), 'seaworthy-shop-')) : undefined
  const dataDir = options.dataDir ?? ownDir!
  const [gatewayPort, consolePort] = [await freePort(), await freePort()]
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--conditions=source',
      join(root, 'packages/cli/src/main.ts'),
      'start',
      options.system ?? join(root, 'shop/system.ts'),
      `--gateway-port=${gatewayPort}`,
      `--console-port=${consolePort}`,
      `--data-dir=${dataDir}`,
      ...(options.engines === undefined ? [] : engineArguments(options.engines)),
      ...(options.console === false ? ['--no-console'] : []),
      ...(options.stage === undefined ? [] : [`--stage=${options.stage}`]),
      ...(options.scale ?? []).map((scale) => `--scale=${scale}`),
    ],
    { cwd: root, env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const shop: Shop = {
    gateway: `http://127.0.0.1:${gatewayPort}`,
    console: `http://127.0.0.1:${consolePort}`,
    dataDir,
    engines: options.engines,
    supervisorPid: child.pid!,
    processes: () => (JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8')) as { processes: RunningProcess[] }).processes,
    instances: (name) => shop.processes().filter((candidate) => candidate.name === name),
    process(name) {
      const [found] = this.instances(name)
      if (found === undefined) throw new Error(`There is no process ${name} in ${dataDir}/run.json.`)
      return found
    },
    output: () => printed,
    async stop() {
      const startedAt = performance.now()
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGINT')
        await exited(child, 15_000)
      }
      return performance.now() - startedAt
    },
    async [Symbol.asyncDispose]() {
      try {
        await this.stop()
      } finally {
        if (ownDir !== undefined) rmSync(ownDir, { recursive: true, force: true })
      }
    },
  }
  try {
    await until(() => printed.includes('Ctrl-C'), {
      timeoutMs: options.readyTimeoutMs ?? 60_000,
      what: () => `the shop to be ready; it printed:\n${printed}`,
      failed: () => child.exitCode !== null,
    })
  } catch (error) {
    await shop[Symbol.asyncDispose]()
    throw error
  }
  return shop
}

function exited(child: ChildProcess, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`The shop was still running ${timeoutMs} ms after the signal.`))
    }, timeoutMs)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** Waits for a condition, asking every 25 ms; fails with what it was waiting for. */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: { timeoutMs: number; what: string | (() => string); failed?: () => boolean },
): Promise<NonNullable<T>> {
  const deadline = performance.now() + options.timeoutMs
  for (;;) {
    const value = await condition()
    if (value !== undefined && value !== null && value !== false) return value
    if (performance.now() > deadline || options.failed?.() === true) {
      throw new Error(`Waited ${options.timeoutMs} ms in vain for ${typeof options.what === 'string' ? options.what : options.what()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
