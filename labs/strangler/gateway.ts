import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run as seaworthy } from '@seaworthy/cli'
import type { ShadowingReport } from '@seaworthy/strangler/compare'
import { sleep, systemClock, UnavailableError } from 'seaworthy/core'
import { LabProcess } from '../lab-process.ts'
import { portsFor } from './shop.ts'

/** What the gateway's file says beside its ports: see docs/1-decomposition/strangler-gateway.md. */
export interface GatewaySettings {
  readonly upstreams: Readonly<Record<string, string>>
  readonly routes: readonly object[]
}

export interface LedgerEntry {
  readonly atMs: number
  readonly kind: string
  readonly route: string
  readonly fromPercent: number
  readonly toPercent: number
  readonly why: string
}

export interface Comparisons {
  readonly routes: Readonly<Record<string, ShadowingReport>>
  readonly text: string
}

export interface GatewayOptions {
  /** For its file, its token and its ledger. */
  readonly folder: string
  readonly outDir: string
  readonly settings: GatewaySettings
  /** What it shows those who move data. */
  readonly dataToken?: string
}

const COMMAND = new URL('../../packages/cli/src/main.ts', import.meta.url)
/** Longer than any pause that the lab makes: whoever asks meanwhile waits. */
const WAIT_MS = 60_000
const SHIFTED_WITHIN_MS = 60_000
const SHIFT_AGAIN_MS = 200

/** `seaworthy gateway`, and the commands by which people move its routes. */
export class Gateway implements AsyncDisposable {
  readonly url: string
  readonly process: LabProcess
  readonly #file: string
  readonly #ports: Ports

  private constructor(file: string, ports: Ports, process: LabProcess) {
    this.url = `http://127.0.0.1:${ports.public}`
    this.process = process
    this.#file = file
    this.#ports = ports
  }

  static async start({ folder, outDir, settings, dataToken }: GatewayOptions): Promise<Gateway> {
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'gateway.json')
    const ports = await portsFor('public', 'admin')
    writeFileSync(file, textOf(settings, ports))
    const process = await LabProcess.start({
      name: 'gateway',
      file: COMMAND,
      args: ['gateway', '--config', file],
      env: { SEAWORTHY_LOG_LEVEL: 'warn', ...(dataToken !== undefined && { SEAWORTHY_DATA_TOKEN: dataToken }) },
      readyUrl: `http://127.0.0.1:${ports.admin}/readyz`,
      outDir,
    })
    return new Gateway(file, ports, process)
  }

  /** Puts another file in force, in one step and without a restart. */
  async configure(settings: GatewaySettings): Promise<void> {
    writeFileSync(this.#file, textOf(settings, this.#ports))
    await this.#ask('POST', 'reload')
  }

  /** Runs `seaworthy gateway …`. @throws UnavailableError with what it said, when it did not do it */
  async command(...words: readonly string[]): Promise<string> {
    const said: string[] = []
    const print = (text: string) => void said.push(text)
    const code = await seaworthy(['gateway', ...words, '--config', this.#file], { env: {}, print, printError: print })
    if (code !== 0) throw new UnavailableError(said.join('\n'))
    return said.join('\n')
  }

  /**
   * Gives the new side of a route another share of its users, as soon as the gateway agrees.
   * @throws UnavailableError with why it does not
   */
  async shift(route: string, percent: number, why: string): Promise<void> {
    const deadlineMs = systemClock.monotonicMs() + SHIFTED_WITHIN_MS
    for (;;) {
      try {
        await this.command('shift', route, String(percent), '--why', why)
        return
      } catch (error) {
        if (!(error instanceof UnavailableError) || systemClock.monotonicMs() > deadlineMs) throw error
        await sleep(systemClock, SHIFT_AGAIN_MS)
      }
    }
  }

  async comparisons(): Promise<Comparisons> {
    return (await this.#ask('GET', 'comparisons')) as Comparisons
  }

  async ledger(): Promise<readonly LedgerEntry[]> {
    return ((await this.#ask('GET', 'ledger')) as { entries: readonly LedgerEntry[] }).entries
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]()
  }

  async #ask(method: string, question: string): Promise<unknown> {
    const token = readFileSync(join(this.#file, '../admin-token'), 'utf8').trim()
    const answer = await fetch(`http://127.0.0.1:${this.#ports.admin}/${question}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
    })
    if (!answer.ok) throw new UnavailableError(`The gateway answered ${answer.status} to ${question}: ${await answer.text()}`)
    return answer.json()
  }
}

interface Ports {
  readonly public: number
  readonly admin: number
}

function textOf({ upstreams, routes }: GatewaySettings, ports: Ports): string {
  const file = {
    listen: { port: ports.public },
    admin: { port: ports.admin, tokenFile: 'admin-token' },
    ledger: 'ledger',
    upstreams: Object.fromEntries(
      Object.entries(upstreams).map(([name, url]) => [name, { urls: [url], policy: { timeout: { waitMs: WAIT_MS } } }]),
    ),
    routes,
  }
  return `${JSON.stringify(file, null, 2)}\n`
}
