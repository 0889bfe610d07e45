import type { CutOverStatus, Verification } from '@seaworthy/strangler/cut-over'
import { UnavailableError } from 'seaworthy/core'
import { eventually } from './eventually.ts'
import type { LabProcess } from './lab-process.ts'
import type { MovingModule } from './mappings.ts'
import { portsFor, PROGRAMS, type Shop, url } from './shop.ts'

export interface CutOverOptions {
  readonly shop: Shop
  readonly module: MovingModule
  readonly token: string
  /** Where each side is served. */
  readonly sides: { readonly old: number; readonly new: number }
}

/** A process that moves the data of a module, and what people ask it. */
export class CutOver implements AsyncDisposable {
  readonly url: string
  readonly token: string
  readonly #module: MovingModule
  readonly #process: LabProcess

  private constructor(port: number, { token, module }: CutOverOptions, process: LabProcess) {
    this.url = url(port)
    this.token = token
    this.#module = module
    this.#process = process
  }

  static async start(options: CutOverOptions): Promise<CutOver> {
    const { shop, module, sides } = options
    const { port } = await portsFor('port')
    const process = await shop.start({
      name: `cut-over of ${module}`,
      file: PROGRAMS.cutOver,
      args: [module, url(sides.old), url(sides.new), String(port)],
      env: {},
      readyUrl: `${url(port)}/ready`,
    })
    return new CutOver(port, options, process)
  }

  async status(): Promise<CutOverStatus> {
    return (await this.#ask('GET', 'status')) as CutOverStatus
  }

  /** Until the copy is there and compared key by key. */
  untilReady(): Promise<CutOverStatus> {
    return eventually(
      `the data of ${this.#module} is ready`,
      () => this.status(),
      ({ readiness }) => readiness.ready,
    )
  }

  /** Until the new service has everything that had been written when this was called. */
  async untilFed(): Promise<void> {
    await eventually(
      'the new service has what was written',
      () => this.status(),
      ({ lag }) => lag.changes === 0,
    )
  }

  /** Compares both sides, key by key. */
  async verify(): Promise<Verification> {
    return (await this.#ask('POST', 'verify')) as Verification
  }

  /** Gives up the way back. */
  async retire(): Promise<void> {
    await this.#ask('POST', 'retire')
  }

  stop(): Promise<void> {
    return this.#process.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]()
  }

  async #ask(method: 'GET' | 'POST', question: string): Promise<unknown> {
    const answer = await fetch(new URL(question, this.url), { method, headers: { authorization: `Bearer ${this.token}` } })
    if (!answer.ok) throw new UnavailableError(`The cut-over answered ${answer.status} to ${question}: ${await answer.text()}`)
    return answer.json()
  }
}
