import { type ProcessRecord, type RunFile, control } from '@seaworthy/supervisor'
import { dataDirOf, dataDirOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import { spokenNames } from '../spoken-names.ts'
import { columns } from '../terminal.ts'

const TIMEOUT_MS = 5_000

export const status: Command = {
  name: 'status',
  summary: 'what runs, and how it does',
  operands: [],
  options: { json: { help: 'as JSON, as in run.json' }, 'data-dir': dataDirOption },
  async run(args, { env, print }) {
    const options = { dataDir: dataDirOf(args, env), signal: AbortSignal.timeout(TIMEOUT_MS) }
    const run = (await control({ command: 'status' }, options)) as RunFile
    print(args.flags.has('json') ? JSON.stringify(run, null, 2) : describe(run))
    return 0
  },
}

function describe(run: RunFile): string {
  const nameOf = spokenNames(run)
  const rows = run.processes.map((process) => {
    const { state, pid, restarts, lastExit, httpUrl, faults } = process
    return [
      nameOf(process),
      state,
      pid === null ? '' : `pid ${pid}`,
      httpUrl,
      sufferingOf(faults),
      restarts === 0 ? '' : `restarts ${restarts}${lastExit === null ? '' : `, last end: ${lastExit}`}`,
    ]
  })
  return `${run.system}, since ${run.startedAt}, supervised by process ${run.supervisorPid}\n${columns(rows)}`
}

/** What it was told to suffer, or nothing. */
function sufferingOf({ latencyMs, errorRatio, lockMs = 0, paused }: ProcessRecord['faults']): string {
  const all = [
    ...(paused ? ['paused'] : []),
    ...(latencyMs > 0 ? [`${latencyMs} ms late`] : []),
    ...(lockMs > 0 ? [`its lock held for ${lockMs} ms`] : []),
    ...(errorRatio > 0 ? [`${errorRatio * 100} % errors`] : []),
  ]
  return all.length === 0 ? '' : `suffers: ${all.join(', ')}`
}
