import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Choreography, ServiceRole } from 'seaworthy/system'
import type { RequestFaults } from './injected-faults.ts'

/**
 * - `starting`: spawned, and not yet ready for the first time.
 * - `not-ready`: was ready, and now answers `/readyz` with an error or not at all.
 * - `backing-off`: ended by itself; the next start is waiting.
 * - `failed`: ended too often before it was ever ready; only `restart` tries again.
 */
export type ProcessState = 'starting' | 'ready' | 'not-ready' | 'backing-off' | 'stopping' | 'stopped' | 'failed'

/** One process as the run file shows it. */
export interface ProcessRecord {
  readonly name: string
  readonly role: ServiceRole
  readonly context: string
  readonly purpose: string
  /** Services that do not run yet, and that this one answers for. */
  readonly standsInFor: readonly string[]
  readonly instance: string
  /** Null when it is down. */
  readonly pid: number | null
  readonly state: ProcessState
  /** Starts after the first one, whatever their reason. */
  readonly restarts: number
  /** How it last ended, as in `signal SIGKILL` or `exit code 1`; null if it never did. */
  readonly lastExit: string | null
  /** When its newest process was spawned, as ISO 8601. */
  readonly startedAt: string
  /** Where it is called; the gateway's and the console's is the public address. */
  readonly httpUrl: string
  /** Where the gateway's admin API is; null for everybody else. */
  readonly adminUrl: string | null
  readonly grpcAddress: string | null
  /** Where Prometheus scrapes it, away from the public. */
  readonly metricsUrl: string
  /** What it was told to suffer, by `seaworthy fault`. */
  readonly faults: RequestFaults & { readonly paused: boolean }
}

/** What runs on a data directory: `run.json`. Readers find it whole, because it is replaced by a rename. */
export interface RunFile {
  readonly system: string
  readonly startedAt: string
  readonly supervisorPid: number
  readonly controlSocket: string
  readonly processes: readonly ProcessRecord[]
  /** Who reacts to what, as the services declare it. */
  readonly choreography: Choreography
}

export function writeRunFile(path: string, run: RunFile): void {
  const next = `${path}.next`
  writeFileSync(next, `${JSON.stringify(run, null, 2)}\n`)
  renameSync(next, path)
}

/** @returns undefined when there is none, or none that can be read */
export function readRunFile(path: string): RunFile | undefined {
  try {
    const run: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return isRunFile(run) ? run : undefined
  } catch {
    return undefined
  }
}

/** Whether it has what a reader acts on: whoever edited or truncated the file must not make the next start stumble. */
function isRunFile(run: unknown): run is RunFile {
  const { supervisorPid, controlSocket, processes } = run as Partial<RunFile>
  return (
    Number.isInteger(supervisorPid) &&
    typeof controlSocket === 'string' &&
    Array.isArray(processes) &&
    processes.every(
      ({ name, pid, startedAt }: Partial<ProcessRecord>) =>
        typeof name === 'string' && (pid === null || Number.isInteger(pid)) && !Number.isNaN(Date.parse(String(startedAt))),
    )
  )
}
