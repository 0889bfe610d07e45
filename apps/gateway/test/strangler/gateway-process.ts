import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ask } from '../rig.ts'

export const CLI = fileURLToPath(new URL('../../../../packages/cli/src/main.ts', import.meta.url))
export const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--conditions=source']
const run = promisify(execFile)

export interface GatewayProcess {
  readonly child: ChildProcess
  readonly port: number
  readonly admin: (method: string, path: string, body?: object) => ReturnType<typeof ask>
  /** `seaworthy gateway …` */
  readonly seaworthy: (...words: readonly string[]) => Promise<string>
  readonly said: readonly string[]
  readonly exited: Promise<number | null>
}

/** Writes the configuration in one step, as an editor does. */
export function write(path: string, text: string): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

/** `seaworthy gateway --config PATH`, which ends with the test. */
export async function gatewayProcess(t: TestContext, path: string): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [...NODE_FLAGS, CLI, 'gateway', '--config', path], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const said: string[] = []
  const { port, adminPort } = await new Promise<{ port: number; adminPort: number }>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const entry = JSON.parse(line) as { msg: string; port?: number; adminPort?: number; err?: { message: string } }
      said.push(entry.err === undefined ? entry.msg : `${entry.msg}: ${entry.err.message}`)
      if (entry.port !== undefined && entry.adminPort !== undefined) resolve({ port: entry.port, adminPort: entry.adminPort })
    })
    child.once('exit', () => reject(new Error('The gateway ended before it listened.')))
  })
  const token = readFileSync(join(path, '../token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}` }
  return {
    child,
    port,
    exited,
    said,
    admin: (method, at, body) => ask(adminPort, { method, path: at, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }),
    seaworthy: async (...words) => {
      const { stdout } = await run(process.execPath, [
        ...NODE_FLAGS,
        CLI,
        'gateway',
        ...words,
        '--config',
        path,
        '--admin',
        `http://127.0.0.1:${adminPort}`,
      ])
      return stdout
    },
  }
}
