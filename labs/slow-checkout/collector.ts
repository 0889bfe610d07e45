import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TimeoutError, sleep, systemClock } from 'seaworthy/core'
import type { Verdict } from './judge.ts'

const MAIN = fileURLToPath(new URL('../../apps/console/src/main.ts', import.meta.url))
const WITHIN_MS = 60_000
/** Spans of several processes arrive within moments of each other: a trace that does not grow for so long is whole. */
const QUIET_MS = 700
const POLL_MS = 100

interface Listed {
  readonly traceId: string
  readonly spanCount: number
  readonly services: readonly string[]
}

/** A console of the lab's own, in a process of its own. */
export class Collector implements AsyncDisposable {
  readonly url: string
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  private constructor(url: string, child: ChildProcess) {
    this.url = url
    this.#child = child
    this.#exited = once(child, 'exit')
  }

  static async start(folder: string): Promise<Collector> {
    mkdirSync(folder, { recursive: true })
    const port = await freePort()
    const child = spawn(process.execPath, ['--conditions=source', '--disable-warning=ExperimentalWarning', MAIN], {
      env: {
        ...process.env,
        SEAWORTHY_DATA_DIR: folder,
        SEAWORTHY_CONSOLE_PORT: String(port),
        SEAWORTHY_HTTP_PORT: String(port),
        SEAWORTHY_RUN_FILE: '',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const log = createWriteStream(join(folder, 'console.log'))
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    const collector = new Collector(`http://127.0.0.1:${port}`, child)
    await until('the console is ready', async () => {
      if (child.exitCode !== null) throw new Error('The console ended. Its log says why.')
      return (await fetch(`${collector.url}/readyz`).catch(() => undefined))?.ok === true || undefined
    })
    return collector
  }

  /** The verdict on the trace of a correlation id, once all of its spans are there: those of these services at least. */
  async verdictOn(correlationId: string, services: readonly string[]): Promise<Verdict> {
    let spanCount = 0
    let sinceMs = systemClock.monotonicMs()
    const traceId = await until(`the trace of ${correlationId} is whole`, async () => {
      const { traces } = (await this.#get(`/api/traces?correlationId=${correlationId}`)) as { readonly traces: readonly Listed[] }
      const trace = traces.find((each) => services.every((service) => each.services.includes(service)))
      if (trace === undefined) return undefined
      if (trace.spanCount !== spanCount) {
        spanCount = trace.spanCount
        sinceMs = systemClock.monotonicMs()
      }
      return systemClock.monotonicMs() - sinceMs >= QUIET_MS ? trace.traceId : undefined
    })
    return (await this.#get(`/api/traces/${traceId}/verdict`)) as Verdict
  }

  /** The whole trace, in OTLP's JSON. */
  trace(traceId: string): Promise<unknown> {
    return this.#get(`/api/traces/${traceId}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exited
  }

  async #get(path: string): Promise<unknown> {
    const response = await fetch(this.url + path)
    if (!response.ok) throw new Error(`The console answered ${response.status} to ${path}: ${await response.text()}`)
    return response.json()
  }
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const endMs = systemClock.monotonicMs() + WITHIN_MS
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (systemClock.monotonicMs() > endMs) throw new TimeoutError(`It did not happen that ${what}.`, WITHIN_MS)
    await sleep(systemClock, POLL_MS)
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  server.close()
  await once(server, 'close')
  return port
}
