import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installDebianPackages } from './debian.ts'
import { type ServerProcess, onFreePorts, startServer } from './server-process.ts'

/** A real Redis of this process alone, on loopback. It ends with the process, however that ends. */
export interface RedisServer extends Pick<ServerProcess, 'kill' | 'start' | 'stop'> {
  /** `redis://127.0.0.1:PORT`; the same after a restart. */
  readonly url: string
}

const MISSING =
  'Redis is not installed here. Debian: apt-get install --no-install-recommends redis-server. macOS: brew install redis. Or name a server that runs already: scripts/servers.ts tells how.'

const isInstalled = () => spawnSync('redis-server', ['--version']).status === 0

/** Installs Debian's package, if this is Debian and root asks, without starting its service. @throws Error that says what to install */
export async function installRedis(): Promise<void> {
  if (!isInstalled()) installDebianPackages(['redis-server'], MISSING)
}

/** Starts an empty server that keeps what it acknowledged. */
export async function startRedis(): Promise<RedisServer> {
  if (!isInstalled()) throw new Error(MISSING)
  return onFreePorts(1, {
    start: async ([port]) => {
      const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--appendfsync', 'always']
      const server = await startServer({
        name: 'Redis',
        command: ['redis-server', ...settings],
        directory: mkdtempSync(join(tmpdir(), 'seaworthy-redis-')),
        endSignal: 'KILL',
        isReady: (line) => line.includes('Ready to accept connections'),
      })
      return {
        url: `redis://127.0.0.1:${port}`,
        kill: (signal) => server.kill(signal),
        start: () => server.start(),
        stop: () => server.stop(),
      }
    },
    isTaken: (message) => /already in use/i.test(message),
  })
}
