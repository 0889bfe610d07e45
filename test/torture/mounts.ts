import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system that is mounted until it is disposed of. */
export interface Mount extends Disposable {
  readonly path: string
}

function mounted(path: string, args: readonly string[]): Mount {
  mkdirSync(path, { recursive: true })
  execFileSync('mount', [...args, path], { stdio: 'pipe' })
  return {
    path,
    [Symbol.dispose]() {
      try {
        execFileSync('umount', [path], { stdio: 'pipe' })
      } catch {
        // Somebody still has a file open on it. It leaves the tree now, and the kernel when that file is closed.
        execFileSync('umount', ['--lazy', path], { stdio: 'pipe' })
      }
    },
  }
}

/** A small disk in memory, which can be filled. */
export function mountTmpfs(path: string, { bytesMax }: { bytesMax: number }): Mount {
  return mounted(path, ['-t', 'tmpfs', '-o', `size=${bytesMax}`, 'tmpfs'])
}

/** Makes an empty ext4 file system in a file. */
export function makeExt4(imageFile: string, { bytes }: { bytes: number }): void {
  writeFileSync(imageFile, '')
  truncateSync(imageFile, bytes)
  execFileSync('mkfs.ext4', ['-q', '-F', imageFile], { stdio: 'pipe' })
}

/** A disk that is a file: what the kernel has written to the disk is in the file, and nothing else is. */
export function mountImage(imageFile: string, path: string): Mount {
  return mounted(path, ['-o', 'loop', imageFile])
}

/** Tries it out. @returns why this machine cannot mount such a file system, or undefined when it can */
export function cannotMount(kind: 'tmpfs' | 'ext4 on a loop device'): string | undefined {
  if (process.platform !== 'linux') return `NOT TESTED HERE: ${kind} needs Linux`
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-mount-'))
  try {
    const path = join(folder, 'mounted')
    if (kind === 'tmpfs') mountTmpfs(path, { bytesMax: 1 << 20 })[Symbol.dispose]()
    else {
      const imageFile = join(folder, 'image')
      makeExt4(imageFile, { bytes: 4 << 20 })
      mountImage(imageFile, path)[Symbol.dispose]()
    }
    return undefined
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer }
    return `NOT TESTED HERE: mounting ${kind} needs root and the kernel's permission: ${stderr?.toString().trim() || code || String(error)}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
