import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Runs a command of `seaworthy` from the sources and returns what it printed. */
export async function seaworthy(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--conditions=source', `${root}packages/cli/src/main.ts`, ...args],
    { cwd: root, timeout: 120_000 },
  )
  return stdout
}
