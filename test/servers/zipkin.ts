import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { mavenClassPath } from './maven.ts'
import { onFreePorts, startServer } from './server-process.ts'

/** A real Zipkin of this process alone, on loopback and in memory. It ends with the process, however that ends. */
export interface ZipkinServer {
  /** `http://127.0.0.1:PORT`: its API, and its page. */
  readonly url: string
  /** Ends it at once. */
  readonly stop: () => Promise<void>
}

const VERSION = '3.5.1'
const ZIPKIN = { name: `zipkin-${VERSION}`, artifacts: [`io.zipkin:zipkin-server:${VERSION}:exec`] }

/** @throws Error that says what to install */
export async function installZipkin(): Promise<void> {
  await mavenClassPath(ZIPKIN)
}

/** Starts an empty server on a free port. It takes about ten seconds. */
export async function startZipkin(): Promise<ZipkinServer> {
  const jar = join(dirname(await mavenClassPath(ZIPKIN)), `zipkin-server-${VERSION}-exec.jar`)
  return onFreePorts(1, {
    start: async ([port]) => {
      const listener = [`--armeria.ports[0].ip=127.0.0.1`, `--armeria.ports[0].port=${port}`, '--armeria.ports[0].protocols[0]=http']
      const server = await startServer({
        name: 'Zipkin',
        command: ['java', '-Xms64m', '-Xmx256m', '-XX:TieredStopAtLevel=1', '-jar', jar, ...listener],
        directory: mkdtempSync(join(tmpdir(), 'seaworthy-zipkin-')),
        environment: { ...process.env, STORAGE_TYPE: 'mem' },
        endSignal: 'KILL',
        isReady: (line) => line.includes('Serving HTTP at'),
        startTimeoutMs: 120_000,
      })
      return { url: `http://127.0.0.1:${port}`, stop: () => server.stop() }
    },
    isTaken: (message) => message.includes('Address already in use'),
  })
}
