import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url))

/** `seaworthy gateway`, as people run it. */
export interface GatewayProcess {
  readonly child: ChildProcess
  readonly port: number
  /** Puts another configuration in its place, as an editor does. */
  readonly configure: (file: object) => void
  /** @throws when the admin API refuses */
  readonly tell: (path: string, body?: object) => Promise<void>
  readonly stop: () => Promise<void>
}

/** @param file all of its configuration but its ports and folders */
export async function startGateway(file: object, flags: readonly string[] = []): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-bench-gateway-'))
  const path = join(folder, 'gateway.json')
  const configure = (changed: object) => {
    const whole = { listen: { port: 0 }, admin: { port: 0, tokenFile: 'token' }, ledger: 'ledger', ...changed }
    writeFileSync(`${path}.new`, JSON.stringify(whole))
    renameSync(`${path}.new`, path)
  }
  configure(file)
  const args = ['--disable-warning=ExperimentalWarning', '--conditions=source', ...flags, CLI, 'gateway', '--config', path]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // It must not outlive whoever measures it.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const { port, adminPort } = await portsOf(child)
  const authorization = `Bearer ${readFileSync(join(folder, 'token'), 'utf8').trim()}`
  return {
    child,
    port,
    configure,
    tell: async (at, body = {}) => {
      const options = { method: 'POST', headers: { authorization }, body: JSON.stringify(body) }
      const answer = await fetch(`http://127.0.0.1:${adminPort}${at}`, options)
      if (!answer.ok) throw new Error(`${at} was answered ${answer.status}: ${await answer.text()}`)
    },
    stop: async () => {
      kill()
      process.off('exit', kill)
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function portsOf(child: ChildProcess): Promise<{ readonly port: number; readonly adminPort: number }> {
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('The gateway ended before it listened.')))
    const lines = createInterface({ input: child.stdout! }).on('line', (line) => {
      const { port, adminPort } = JSON.parse(line) as { port?: number; adminPort?: number }
      if (port === undefined || adminPort === undefined) return
      lines.close()
      // The access log is read and thrown away.
      child.stdout!.resume()
      resolve({ port, adminPort })
    })
  })
}
