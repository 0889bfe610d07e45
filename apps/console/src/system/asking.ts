import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import type { ControlOptions } from '@seaworthy/supervisor'
import { type Clock, UnavailableError } from 'seaworthy/core'
import type { ProcessEntry, RunState } from './run-file.ts'

/** How the supervisor that started this console is asked, within `timeoutMs`. @throws UnavailableError when there is none */
export function askingSupervisor(runFile: string | undefined, timeoutMs: number): ControlOptions {
  if (runFile === undefined) throw new UnavailableError('No supervisor started this console, so that there is nobody to ask.')
  return { dataDir: dirname(runFile), signal: AbortSignal.timeout(timeoutMs) }
}

/**
 * Shares one answer among all who ask for it: whoever is asked is asked again `sharedMs` after it has answered, however many pages look, and not while it takes its time.
 */
export function shared<T>(
  ask: () => Promise<T>,
  sharedMs: number,
  clock: Clock,
): { readonly get: () => Promise<T>; readonly forget: () => void } {
  let last: { readonly answer: Promise<T>; answeredMs: number | undefined } | undefined
  return {
    get() {
      if (last?.answeredMs !== undefined && clock.monotonicMs() - last.answeredMs > sharedMs) last = undefined
      if (last !== undefined) return last.answer
      const asked = { answer: ask(), answeredMs: undefined as number | undefined }
      last = asked
      const answered = () => void (asked.answeredMs = clock.monotonicMs())
      asked.answer.then(answered, answered)
      return asked.answer
    },
    forget() {
      last = undefined
    },
  }
}

/** One process of each service: its instances share what they keep, and any of them can tell of it. */
export function oneOfEach(processes: readonly ProcessEntry[]): readonly ProcessEntry[] {
  const seen = new Set<string>()
  return processes.filter(({ name }) => !seen.has(name) && seen.add(name))
}

/** What a process is asked by: its service, or its instance where the service has several. */
export function askedName({ name, instance }: ProcessEntry, processes: readonly ProcessEntry[]): string {
  return processes.filter((other) => other.name === name).length > 1 ? instance : name
}

/** The processes that have something to tell of themselves: the services, and not the platform. */
export function servicesOf(run: RunState): readonly ProcessEntry[] {
  return run.processes.filter(({ role }) => role !== 'gateway' && role !== 'console')
}

/** For the audit. The console has no accounts: whoever reaches it acts as the user that it runs as. */
export function whoAsks(): string {
  try {
    return `${userInfo().username} (console)`
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'} (console)`
  }
}
