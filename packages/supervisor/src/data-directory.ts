import { mkdirSync, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AlreadyRunningError, DataDirectoryError } from './errors.ts'
import { readRunFile } from './run-file.ts'

/** The names inside a data directory. */
export interface DataDirectoryPaths {
  readonly path: string
  readonly runFile: string
  /** What people asked the processes to change, as JSON lines. */
  readonly auditLog: string
  /** What each process printed. */
  readonly logs: string
  /** The embedded event log, shared by all. */
  readonly eventLog: string
  /** What labs left, a folder for each run. */
  readonly labs: string
  /** One private folder for each service. */
  readonly services: string
}

/** A data directory that this process alone supervises, until it releases it or dies. */
export interface DataDirectory extends DataDirectoryPaths {
  release(): void
}

export function dataDirectoryPaths(path: string): DataDirectoryPaths {
  return {
    path,
    runFile: join(path, 'run.json'),
    auditLog: join(path, 'audit.jsonl'),
    logs: join(path, 'logs'),
    eventLog: join(path, 'event-log'),
    labs: join(path, 'labs'),
    services: join(path, 'services'),
  }
}

/** Whether a service has ever kept anything in a data directory. */
export function hasServiceData({ services }: Pick<DataDirectoryPaths, 'services'>, service: string): boolean {
  try {
    return readdirSync(join(services, service)).length > 0
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

/**
 * Creates what is missing and takes possession. What is held is a lock of the operating system, by way of SQLite: it is gone when
 * the process is, however it died, so that there is no stale lock file to judge by a pid that may be a stranger's by now.
 * @throws AlreadyRunningError when a living supervisor has it
 * @throws DataDirectoryError when it cannot be made or written
 */
export function openDataDirectory(directory: string): DataDirectory {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    // One directory has one name, whatever links lead to it: processes of an earlier run are recognised by it.
    const paths = dataDirectoryPaths(realpathSync(directory))
    for (const folder of [paths.logs, paths.eventLog, paths.services]) mkdirSync(folder, { recursive: true })
    const lock = takeLock(paths)
    return { ...paths, release: () => lock.close() }
  } catch (error) {
    throw error instanceof AlreadyRunningError ? error : new DataDirectoryError(directory, error)
  }
}

function takeLock(paths: DataDirectoryPaths): DatabaseSync {
  const lock = new DatabaseSync(join(paths.path, 'supervisor.lock'), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error
    const run = readRunFile(paths.runFile)
    const front = run?.processes.find(({ role }) => role === 'console') ?? run?.processes.find(({ role }) => role === 'gateway')
    throw new AlreadyRunningError(paths.path, { pid: run?.supervisorPid, url: front?.httpUrl })
  }
}

const SQLITE_BUSY = 5
