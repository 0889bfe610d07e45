import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const READY_TIMEOUT_MS = 20_000

export interface StartedConsole {
  readonly url: string
  readonly healthUrl: string
  readonly folder: string
  post(request: unknown): Promise<Response>
  /** @returns the exit code */
  stop(signal: NodeJS.Signals): Promise<number | null>
}

/** A console in a process of its own, on free ports; the test's end is its end. */
export async function startedConsole(
  t: TestContext,
  options: { folder?: string; consolePort?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<StartedConsole> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'console-process-'))
  const consolePort = options.consolePort ?? (await freePort())
  const httpPort = await freePort()
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--conditions=source', MAIN], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      SEAWORTHY_DATA_DIR: folder,
      SEAWORTHY_CONSOLE_PORT: String(consolePort),
      SEAWORTHY_HTTP_PORT: String(httpPort),
      ...options.env,
    },
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
  })
  await ready(child)
  const url = `http://127.0.0.1:${consolePort}`
  return {
    url,
    healthUrl: `http://127.0.0.1:${httpPort}`,
    folder,
    post: (request) =>
      fetch(`${url}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request) }),
    async stop(signal) {
      child.kill(signal)
      const [code] = await exited
      return code
    },
  }
}

/** Settles at the line that says so; rejects with what the process said when it ends or says nothing. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(
      () => reject(new Error(`The console was not ready within ${READY_TIMEOUT_MS} ms. It said: ${said}`)),
      READY_TIMEOUT_MS,
    )
    const listen = (chunk: Buffer): void => {
      said += chunk.toString('utf8')
      if (!said.includes('console is ready')) return
      clearTimeout(timer)
      resolve()
    }
    child.stdout!.on('data', listen)
    child.stderr!.on('data', listen)
    child.once('close', () => {
      clearTimeout(timer)
      reject(new Error(`The console ended before it was ready. It said: ${said}`))
    })
  })
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
