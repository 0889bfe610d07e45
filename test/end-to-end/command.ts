import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Runs a command of `seaworthy` from the sources and returns what it printed. */
export function seaworthy(args: readonly string[]): Promise<string> {
  return shopProgram('packages/cli/src/main.ts', ...args)
}

/** A program of the repository, from the sources. @returns what it printed */
export async function shopProgram(path: string, ...args: readonly string[]): Promise<string> {
  const program = [join(root, path), ...args]
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--conditions=source', ...program],
    { cwd: root, timeout: 120_000 },
  )
  return stdout
}
