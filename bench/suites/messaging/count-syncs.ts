import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** So many appends, by an exported function that prepares one, from so many writers at once. */
export interface CountedAppends {
  readonly module: string
  /** Name of the export: a function that returns how one append is made. */
  readonly append: string
  readonly writers: number
  readonly appends: number
}

/** How often the kernel was asked to sync, per append, in a process of its own. @throws Error where strace is not installed */
export function countSyncs({ module, append, writers, appends }: CountedAppends): number {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-strace-'))
  const traceFile = join(directory, 'trace')
  try {
    const { status, error, stderr } = spawnSync(
      'strace',
      ['-f', '-e', 'trace=fsync,fdatasync', '-o', traceFile].concat(
        [process.execPath, '--disable-warning=ExperimentalWarning', '--conditions=source'],
        [fileURLToPath(new URL('appending-process.ts', import.meta.url)), module, append, String(writers), String(appends)],
      ),
      { encoding: 'utf8' },
    )
    if (error !== undefined) throw new Error('strace counts the syncs, and cannot be run. Install it (Debian: strace).', { cause: error })
    if (status !== 0) throw new Error(`The process that appends ended with ${status}: ${stderr}`)
    const syncs = readFileSync(traceFile, 'utf8').match(/\bf(?:data)?sync\(/g)?.length ?? 0
    if (syncs === 0) throw new Error('strace saw no sync at all: nothing was stored.')
    return syncs / appends
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
