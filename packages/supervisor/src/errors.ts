import { type Executed, SeaworthyError } from 'seaworthy/core'

/** The data directory belongs to a supervisor that is alive. */
export class AlreadyRunningError extends SeaworthyError {
  /** The other supervisor's process; undefined while it has not yet written its run file. */
  readonly pid: number | undefined
  /** Where its system answers, if it has a console or a gateway. */
  readonly url: string | undefined

  constructor(dataDir: string, running: { pid?: number | undefined; url?: string | undefined }) {
    const who = running.pid === undefined ? 'Another supervisor, which is just starting or stopping,' : `Process ${running.pid}`
    const where = running.url === undefined ? '' : ` at ${running.url}`
    super(
      'already-running',
      `${who} already runs a system${where} on ${dataDir}. Use that one, stop it (seaworthy stop), or choose another directory with --data-dir.`,
      { executed: 'no', final: true },
    )
    this.pid = running.pid
    this.url = running.url
  }
}

/** The data directory cannot be used: it is no directory, its disk is full or read-only, or something in it is not what it should be. */
export class DataDirectoryError extends SeaworthyError {
  constructor(path: string, cause: unknown) {
    super('data-directory-unusable', `${path} cannot be used: ${reasonOf(cause)} Mend that, or choose another directory with --data-dir.`, {
      executed: 'no',
      cause,
    })
  }
}

const SQLITE_FULL = 13
const SQLITE_NOT_A_DATABASE = 26

function reasonOf(cause: unknown): string {
  const { code, errcode, message } = cause as { code?: string; errcode?: number; message?: string }
  if (code === 'ENOSPC' || errcode === SQLITE_FULL) return 'the disk is full.'
  if (code === 'EROFS') return 'it is on a read-only file system.'
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not write there.'
  if (code === 'EEXIST' || code === 'ENOTDIR') return 'a file is in its place.'
  if (errcode === SQLITE_NOT_A_DATABASE) return 'its supervisor.lock is no lock of ours. Nothing is kept in it: delete it.'
  return `${message ?? String(cause)}.`
}

/** A port that was asked for cannot be listened on. Nothing was started. */
export class PortTakenError extends SeaworthyError {
  readonly port: number

  constructor(port: number, setting: PortSetting, cause: unknown) {
    const why = (cause as { code?: string }).code === 'EACCES' ? 'may not be opened by this user' : 'is in use by another process'
    super(
      'port-taken',
      `Port ${port} for the ${setting.purpose} ${why}. Choose another with ${setting.flag} PORT (or ${setting.variable}), or free it; 0 takes any free port.`,
      { executed: 'no', final: true, cause },
    )
    this.port = port
  }
}

/** What a public port is for, and where it is set. */
export interface PortSetting {
  readonly purpose: string
  readonly flag: string
  readonly variable: string
}

/** A process died again and again before it was ever ready. */
export class StartFailedError extends SeaworthyError {
  readonly service: string

  constructor(service: string, details: { attempts: number; lastExit: string; lastWords: readonly string[]; logFile: string }) {
    const words = details.lastWords.map((line) => `\n  ${line}`).join('')
    super(
      'start-failed',
      `${service} did not start: it ended ${details.attempts} times before it was ready, at last by ${details.lastExit}. Its log is ${details.logFile}.${words}`,
      { executed: 'no' },
    )
    this.service = service
  }
}

/** No supervisor answers for this data directory. */
export class NotRunningError extends SeaworthyError {
  constructor(dataDir: string, options: { cause?: unknown } = {}) {
    super('not-running', `No system is running on ${dataDir}. Start one, or name its directory with --data-dir.`, {
      ...options,
      executed: 'no',
      final: true,
    })
  }
}

/** The supervisor is there and does not answer: it was stopped by a signal, or the machine gives it no time. */
export class SupervisorSilentError extends SeaworthyError {
  constructor(pid: number, options: { executed: Executed; cause: unknown }) {
    super(
      'supervisor-silent',
      `Process ${pid}, which runs the system, gave no answer in time. It may be busy: ask again. If it stands still, kill -CONT ${pid} lets it go on, and kill -9 ${pid} ends it with all that it runs; what was acknowledged is kept.`,
      options,
    )
  }
}
