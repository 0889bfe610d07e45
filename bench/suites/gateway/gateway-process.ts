import { mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startServer } from '../../../test/servers/server-process.ts'

const CLI = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url))

/** `seaworthy gateway`, as people run it. It ends with this process, however that ends. */
export interface GatewayProcess {
  readonly pid: number
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
  const ports = Promise.withResolvers<{ readonly port: number; readonly adminPort: number }>()
  const server = await startServer({
    name: 'the gateway',
    command: [process.execPath, '--disable-warning=ExperimentalWarning', '--conditions=source', ...flags, CLI, 'gateway', '--config', path],
    directory: folder,
    isReady: (line) => {
      const { port, adminPort } = line.startsWith('{') ? (JSON.parse(line) as { port?: number; adminPort?: number }) : {}
      if (port === undefined || adminPort === undefined) return false
      ports.resolve({ port, adminPort })
      return true
    },
  })
  const { port, adminPort } = await ports.promise
  const authorization = `Bearer ${readFileSync(join(folder, 'token'), 'utf8').trim()}`
  return {
    pid: server.pid,
    port,
    configure,
    tell: async (at, body = {}) => {
      const options = { method: 'POST', headers: { authorization }, body: JSON.stringify(body) }
      const answer = await fetch(`http://127.0.0.1:${adminPort}${at}`, options)
      if (!answer.ok) throw new Error(`${at} was answered ${answer.status}: ${await answer.text()}`)
    },
    stop: () => server.stop(),
  }
}
