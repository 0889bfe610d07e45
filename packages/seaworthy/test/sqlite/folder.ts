import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A folder that is gone when the test is. */
export function testFolder(t: TestContext): string {
  const { path, remove } = temporaryFolder()
  t.after(remove)
  return path
}

export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'seaworthy-sqlite-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/**
 * The files as another process would find them if this one were killed now: a copy, made by a process of its own, because opening
 * and closing a database's file here would drop the locks that SQLite holds on it.
 */
export function copyAsAfterCrash(folder: string): string {
  const copy = temporaryFolder().path
  const { status, stderr } = spawnSync('cp', ['-R', `${folder}/.`, copy])
  if (status !== 0) throw new Error(`The copy failed: ${String(stderr)}`)
  return copy
}
