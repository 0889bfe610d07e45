import { readFileSync, statSync } from 'node:fs'

// Where SQLite keeps the write lock of a write-ahead log: the first of the lock bytes in the -shm file (https://sqlite.org/walformat.html, section 2.3).
const WRITE_LOCK_BYTE = 120
const COMMAND_CHARACTERS_MAX = 200

/** A process that has a file's write lock. */
export interface LockHolder {
  readonly pid: number
  /** How it was started, or nothing where that is not told. */
  readonly command: string
}

/**
 * The process that has the write lock of a database file. Linux alone tells (`/proc/locks`); elsewhere, and when nobody has it
 * any more, undefined. Looks at the file's number and never opens it, which would drop this process's own locks.
 */
export function writerOf(path: string): LockHolder | undefined {
  try {
    const inode = String(statSync(`${path}-shm`).ino)
    // 5: POSIX  ADVISORY  WRITE 4711 08:01:1310798 120 120
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      const [, kind, , mode, pid, file = '', from, to] = line.trim().split(/\s+/)
      const isWriteLock = kind === 'POSIX' && mode === 'WRITE' && Number(from) <= WRITE_LOCK_BYTE && WRITE_LOCK_BYTE <= Number(to)
      if (isWriteLock && file.endsWith(`:${inode}`)) return { pid: Number(pid), command: commandOf(pid!) }
    }
  } catch {
    // No /proc, or no file: nothing is known.
  }
  return undefined
}

function commandOf(pid: string): string {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return command.slice(0, COMMAND_CHARACTERS_MAX)
  } catch {
    return ''
  }
}
