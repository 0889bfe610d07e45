import { userInfo } from 'node:os'
import type { ControlOptions } from '@seaworthy/supervisor'
import { type Arguments, dataDirOf } from './arguments.ts'

const TIMEOUT_MS = 10_000

export function asking(args: Arguments, env: NodeJS.ProcessEnv, timeoutMs = TIMEOUT_MS): ControlOptions {
  return { dataDir: dataDirOf(args, env), signal: AbortSignal.timeout(timeoutMs) }
}

/** Who asks, for the audit: the user of the operating system, who alone may use the control socket. */
export function whoAsks(): string {
  try {
    return `${userInfo().username} (command line)`
  } catch {
    // A user without a name, as in some containers.
    return `user ${process.getuid?.() ?? 'unknown'} (command line)`
  }
}
