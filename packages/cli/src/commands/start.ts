import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Notice, type ProcessRecord, type RunFile, type RunningSystem, supervise } from '@seaworthy/supervisor'
import { sleep, systemClock } from 'seaworthy/core'
import { type Arguments, dataDirOf, dataDirOption, portOf } from '../arguments.ts'
import type { Command } from '../command.ts'
import { engineOptions, engineSettings } from '../engines/engine-settings.ts'
import { hasDataOn } from '../engines/has-data.ts'
import { prepareEngines } from '../engines/prepare-engines.ts'
import { assertScalable, scaleOf, scaleOption } from '../engines/scale.ts'
import { listenForSignals, watchParent } from '../stop-signals.ts'
import { spokenNames } from '../spoken-names.ts'
import { loadSystem, loadSystemAtStage } from '../system-file.ts'
import { type Terminal, columns } from '../terminal.ts'
import { UsageError } from '../usage.ts'

const STILL_WAITING_MS = 10_000

export const start: Command = {
  name: 'start',
  summary: 'starts every process of a system, and keeps them running',
  operands: ['SYSTEM_FILE'],
  options: {
    'gateway-port': { value: 'PORT', help: 'the public API (SEAWORTHY_GATEWAY_PORT; 8080); 0 takes any free port' },
    'console-port': { value: 'PORT', help: 'the console (SEAWORTHY_CONSOLE_PORT; 4000); 0 takes any free port' },
    stage: { value: 'NUMBER', help: 'which stage of a system that has several (SEAWORTHY_STAGE; the one that its data is at)' },
    'console-grpc-port': { value: 'PORT', help: 'OTLP over gRPC to the console (SEAWORTHY_CONSOLE_GRPC_PORT; any free port)' },
    'no-console': { help: 'without the console' },
    ...engineOptions,
    scale: scaleOption,
    'data-dir': dataDirOption,
  },
  async run(args, terminal) {
    const startedMs = systemClock.monotonicMs()
    // Whoever reads the output may go; the system stays.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
    const wish = new Wish(terminal)
    const release = [listenForSignals(wish), watchParent(terminal.env, () => wish.onStop('the parent process is gone'))]
    try {
      if (wish.isStop) return 0
      const wanted = await settings(args, terminal)
      const running = await supervise({ ...wanted, report: (notice) => show(notice, terminal) })
      terminal.print(`Starting ${wanted.system.name}: ${running.status().processes.length} processes …`)
      wish.fulfil(running)
      const code = await untilReady(running, { startedMs, dataDir: dataDirOf(args, terminal.env) }, terminal)
      if (code !== 0) await running.stop()
      await running.stopped
      return wish.wasKilled ? 130 : code
    } finally {
      for (const end of release) end()
    }
  },
}

/** What the signals ask for, which may be before there is a system to ask it of. */
class Wish {
  wasKilled = false
  readonly #terminal: Terminal
  #running: RunningSystem | undefined
  #stopAsked = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  get isStop(): boolean {
    return this.#stopAsked
  }

  fulfil(running: RunningSystem): void {
    this.#running = running
    if (this.#stopAsked) void running.stop()
    if (this.wasKilled) running.kill()
  }

  onStop(reason: string): void {
    if (this.#stopAsked) return
    this.#stopAsked = true
    this.#terminal.print(`\nStopping (${reason}). Once more kills what is left.`)
    void this.#running?.stop()
  }

  onKill(): void {
    this.wasKilled = true
    this.#running?.kill()
  }
}

async function settings(args: Arguments, { env }: Terminal) {
  const gatewayPort = portOf('gateway-port', 'SEAWORTHY_GATEWAY_PORT', args, env)
  const consolePort = portOf('console-port', 'SEAWORTHY_CONSOLE_PORT', args, env)
  const consoleGrpcPort = portOf('console-grpc-port', 'SEAWORTHY_CONSOLE_GRPC_PORT', args, env)
  const dataDir = dataDirOf(args, env)
  const file = resolve(args.operands[0] ?? '')
  const engines = engineSettings(args, env, (await loadSystem(file)).name)
  const { storage, hasData } = hasDataOn(engines, { dataDir, env })
  const declared = await loadSystemAtStage(file, { stage: stageOf(args, env), dataDir, storage, hasData })
  const services = args.flags.has('no-console') ? declared.services.filter(({ role }) => role !== 'console') : declared.services
  const system = { ...declared, services }
  const scale = scaleOf(args)
  const assertScale = (wanted: Readonly<Record<string, number>>) => assertScalable(system, wanted, new Set(engines.urls.keys()))
  assertScale(scale)
  const envOf = await prepareEngines(system, engines, env)
  return {
    system,
    dataDir,
    gatewayPort,
    consolePort,
    consoleGrpcPort,
    scale,
    assertScale,
    envOf,
    env: { NODE_COMPILE_CACHE: compileCacheFor(file, dataDir), ...env },
  }
}

/** @throws UsageError for what is no number */
function stageOf(args: Arguments, env: NodeJS.ProcessEnv): number | undefined {
  const [source, text] =
    args.values['stage'] === undefined ? ['SEAWORTHY_STAGE', env['SEAWORTHY_STAGE'] ?? ''] : ['--stage', args.values['stage']]
  if (text === '') return undefined
  if (!/^\d{1,3}$/.test(text)) throw new UsageError(`${source} must be the number of a stage, from 0, but is "${text}".`)
  return Number(text)
}

/** Compiled sources outlive the data, where there is a place for such things. */
function compileCacheFor(file: string, dataDir: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'node_modules'))) return join(folder, 'node_modules', '.cache', 'seaworthy', 'compile')
  return join(resolve(dataDir), 'compile-cache')
}

/** Prints the table when all are ready. @returns 1 when one of them cannot be started */
async function untilReady(running: RunningSystem, about: { startedMs: number; dataDir: string }, terminal: Terminal): Promise<number> {
  const settled = new AbortController()
  void sayWhatIsAwaited(running, settled.signal, terminal)
  try {
    await running.untilReady()
    const seconds = ((systemClock.monotonicMs() - about.startedMs) / 1_000).toFixed(1)
    terminal.print(table(running.status(), { seconds, dataDir: resolve(about.dataDir) }))
    return 0
  } catch (error) {
    if (running.isStopping) return 0
    terminal.printError(error instanceof Error ? error.message : String(error))
    return 1
  } finally {
    settled.abort()
  }
}

async function sayWhatIsAwaited(running: RunningSystem, settled: AbortSignal, { print }: Terminal): Promise<void> {
  try {
    for (;;) {
      await sleep(systemClock, STILL_WAITING_MS, settled)
      const awaited = running.status().processes.filter(({ state }) => state !== 'ready')
      print(`Still waiting for ${awaited.map(({ instance, state }) => `${instance} (${state})`).join(', ')}`)
    }
  } catch {
    // It is ready, or will not be.
  }
}

function table(run: RunFile, about: { seconds: string; dataDir: string }): string {
  const nameOf = spokenNames(run)
  const title = (record: ProcessRecord) =>
    record.role === 'gateway' ? 'Storefront' : record.role === 'console' ? 'Console' : nameOf(record)
  const isFront = ({ role }: ProcessRecord) => role === 'gateway' || role === 'console'
  const row = (record: ProcessRecord) => [
    title(record),
    record.httpUrl,
    `pid ${record.pid}`,
    record.grpcAddress === null ? '' : `gRPC ${record.grpcAddress}`,
  ]
  const front = run.processes.filter(isFront).toSorted((a, b) => b.role.localeCompare(a.role))
  const rows = [...front.map(row), ...(front.length > 0 ? [[]] : []), ...run.processes.filter((record) => !isFront(record)).map(row)]
  return `\n${run.system} is ready after ${about.seconds} s.\n\n${columns(rows)}\n\n  Data in ${about.dataDir}\n  Ctrl-C stops everything.\n`
}

function show({ service, level, message }: Notice, terminal: Terminal): void {
  const line = `${service ?? 'supervisor'}: ${level === 'info' ? '' : `${level}: `}${message}`
  if (level === 'info') terminal.print(line)
  else terminal.printError(line)
}
