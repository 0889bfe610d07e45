import { join } from 'node:path'
import { CutOver } from './cut-over.ts'
import { Gateway } from './gateway.ts'
import type { LabProcess } from './lab-process.ts'
import { movingReviews, routesAt } from './routes.ts'
import { portsFor, PROGRAMS, type Shop, url } from './shop.ts'

export interface ExtractionOptions {
  readonly shop: Shop
  readonly outDir: string
  readonly token: string
}

type Ports = Awaited<ReturnType<typeof portsOf>>
const portsOf = () => portsFor('monolith', 'monolithSide', 'careless', 'mended', 'reviewsSide')

/** Reviews on their way out of the monolith: the processes, and the gateway before them. */
export class Extraction implements AsyncDisposable {
  readonly gateway: Gateway
  readonly monolith: LabProcess
  readonly ports: Ports
  reviews: LabProcess | undefined
  readonly #options: ExtractionOptions
  #cutOver: CutOver | undefined

  private constructor(options: ExtractionOptions, ports: Ports, monolith: LabProcess, gateway: Gateway) {
    this.#options = options
    this.ports = ports
    this.monolith = monolith
    this.gateway = gateway
  }

  /** The monolith, with everything in it, behind the gateway, which changes nothing yet. */
  static async start(options: ExtractionOptions): Promise<Extraction> {
    const { shop, outDir, token } = options
    const ports = await portsOf()
    const monolith = await shop.startService({
      name: 'monolith',
      file: PROGRAMS.movingMonolith,
      args: ['reviews', String(ports.monolithSide)],
      port: ports.monolith,
      isSeeded: true,
    })
    try {
      const settings = { upstreams: { monolith: url(ports.monolith) }, routes: routesAt(0) }
      const gateway = await Gateway.start({ folder: join(outDir, 'gateway'), outDir, settings, dataToken: token })
      return new Extraction(options, ports, monolith, gateway)
    } catch (error) {
      await monolith[Symbol.asyncDispose]()
      throw error
    }
  }

  /** What moves the data. It begins with the first release. */
  get cutOver(): CutOver {
    return this.#cutOver!
  }

  /** Puts a release of the new service in the place of the one before, beside the monolith. Users do not notice: none of them is led there. */
  async release(kind: 'careless' | 'mended'): Promise<void> {
    const { shop, token } = this.#options
    const { ports } = this
    await this.reviews?.stop()
    const monolith = url(ports.monolith)
    this.reviews = await shop.startService({
      name: 'reviews',
      file: PROGRAMS.movingService,
      args: ['reviews', String(ports.reviewsSide), kind],
      port: ports[kind],
      endpoints: { catalog: monolith, customers: monolith },
    })
    const sides = { old: ports.monolithSide, new: ports.reviewsSide }
    this.#cutOver ??= await CutOver.start({ shop, token, module: 'reviews', sides })
    // Another address of the service: what is compared begins anew.
    await this.#route(kind, { isShadowed: true })
  }

  /** Reads are answered by the monolith alone again, and nobody compares. */
  async endComparison(): Promise<void> {
    await this.#route('mended', { isShadowed: false })
  }

  async #route(release: 'careless' | 'mended', { isShadowed }: { readonly isShadowed: boolean }): Promise<void> {
    await this.gateway.configure({
      upstreams: { monolith: url(this.ports.monolith), reviews: url(this.ports[release]) },
      routes: movingReviews({ cutOverUrl: this.cutOver.url, isShadowed }),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.gateway, this.#cutOver, this.reviews, this.monolith].map(async (each) => each?.[Symbol.asyncDispose]()))
  }
}
