import { dirname } from 'node:path'
import type { ControlOptions } from '@seaworthy/supervisor'
import { UnavailableError } from 'seaworthy/core'
import type { ProcessEntry, RunState } from './run-file.ts'

/** How the supervisor that started this console is asked, within `timeoutMs`. @throws UnavailableError when there is none */
export function askingSupervisor(runFile: string | undefined, timeoutMs: number): ControlOptions {
  if (runFile === undefined) throw new UnavailableError('No supervisor started this console, so that there is nobody to ask.')
  return { dataDir: dirname(runFile), signal: AbortSignal.timeout(timeoutMs) }
}

/** The processes that have something to tell of themselves: the services, and not the platform. */
export function servicesOf(run: RunState): readonly ProcessEntry[] {
  return run.processes.filter(({ role }) => role !== 'gateway' && role !== 'console')
}
