import { type RunFile, control } from '@seaworthy/supervisor'
import { systemClock } from 'seaworthy/core'
import { dataDirOf, dataDirOption } from '../arguments.ts'
import type { Command } from '../command.ts'

const TIMEOUT_MS = 60_000

export const restart: Command = {
  name: 'restart',
  summary:
    'replaces the process of a service, or of each instance in turn; the gateway holds its requests meanwhile (of its own, it refuses some for a moment)',
  operands: ['SERVICE'],
  options: { 'data-dir': dataDirOption },
  async run(args, { env, print }) {
    const [service = ''] = args.operands
    const options = { dataDir: dataDirOf(args, env), signal: AbortSignal.timeout(TIMEOUT_MS) }
    const startedMs = systemClock.monotonicMs()
    await control({ command: 'restart', service }, options)
    const seconds = ((systemClock.monotonicMs() - startedMs) / 1_000).toFixed(1)
    const run = (await control({ command: 'status' }, options)) as RunFile
    const pids = run.processes.filter(({ name, instance }) => name === service || instance === service).map(({ pid }) => pid ?? 'none')
    print(`${service} is ready again after ${seconds} s (pid ${pids.join(', ')}).`)
    return 0
  },
}
