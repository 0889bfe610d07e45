import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { type Clock, UnavailableError, sleep } from 'seaworthy/core'
import type { RunFile } from './run-file.ts'

const GONE_TIMEOUT_MS = 2_000
const POLL_MS = 20
/** `ps` tells a start time to the second, and the run file's was taken just before the start. */
const START_TIME_TOLERANCE_MS = 2_000

/**
 * Kills what a killed supervisor left behind, if anything: normally its guardian has done so. A pid in an old run file may be a
 * stranger's by now, so a process is killed only if it proves to be of that run: on Linux by the run file's path in its
 * environment (grandchildren, which inherit it, are found by their group), elsewhere by its start time.
 * @returns the pids that were killed
 * @throws UnavailableError when one of them will not go
 */
export async function endLeftovers(run: RunFile, runFilePath: string, clock: Clock): Promise<readonly number[]> {
  const find = process.platform === 'linux' ? () => onLinux(run, runFilePath) : () => elsewhere(run)
  const killed = new Set<number>()
  const startedMs = clock.monotonicMs()
  for (;;) {
    const left = find()
    if (left.length === 0) return [...killed]
    if (clock.monotonicMs() - startedMs > GONE_TIMEOUT_MS)
      throw new UnavailableError(`Processes ${left.join(', ')} of an earlier run do not end. Kill them, then start again.`)
    for (const pid of left) {
      killed.add(pid)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has just ended.
      }
    }
    await sleep(clock, POLL_MS)
  }
}

function onLinux(run: RunFile, runFilePath: string): number[] {
  const groups = new Set(run.processes.flatMap(({ pid }) => (pid === null ? [] : [pid])))
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && groups.has(groupOf(pid) ?? 0) && belongsTo(pid, runFilePath))
}

/** The process group of a living process, by /proc/PID/stat; the name in it may contain spaces and brackets. */
function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || state === 'X' ? undefined : Number(group)
  } catch {
    return undefined
  }
}

function belongsTo(pid: number, runFilePath: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`SEAWORTHY_RUN_FILE=${runFilePath}`)
  } catch {
    return false
  }
}

function elsewhere(run: RunFile): number[] {
  return run.processes.flatMap(({ pid, startedAt }) => {
    if (pid === null) return []
    const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
    const startedMs = Date.parse(stdout.trim())
    return Math.abs(startedMs - Date.parse(startedAt)) <= START_TIME_TOLERANCE_MS ? [pid] : []
  })
}
