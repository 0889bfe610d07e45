import { join } from 'node:path'
import { recordStage } from '../../shop/stages/data-stage.ts'
import { CutOver } from './cut-over.ts'
import { Gateway } from './gateway.ts'
import type { LabProcess } from '../lab-process.ts'
import { movingReviews, routesAt } from './routes.ts'
import { portsFor, PROGRAMS, type Shop, url } from './shop.ts'

export interface ExtractionOptions {
  readonly shop: Shop
  readonly outDir: string
  readonly token: string
}

type Ports = Awaited<ReturnType<typeof portsOf>>
const portsOf = () => portsFor('monolith', 'careless', 'mended')

/** Reviews on their way out of the monolith: the processes, and the gateway before them. */
export class Extraction implements AsyncDisposable {
  readonly gateway: Gateway
  readonly monolith: LabProcess
  readonly monolithUrl: string
  reviews: LabProcess | undefined
  readonly #options: ExtractionOptions
  readonly #ports: Ports
  #release: 'careless' | 'mended' = 'careless'

  private constructor(options: ExtractionOptions, ports: Ports, monolith: LabProcess, gateway: Gateway) {
    this.#options = options
    this.#ports = ports
    this.monolith = monolith
    this.monolithUrl = url(ports.monolith)
    this.gateway = gateway
  }

  /** The monolith, with everything in it, behind the gateway, which changes nothing yet. */
  static async start(options: ExtractionOptions): Promise<Extraction> {
    const { shop, outDir, token } = options
    const ports = await portsOf()
    // Before there is data in a second place.
    recordStage(shop.paths.path, 'embedded', 0)
    const monolith = await shop.startService({
      name: 'monolith',
      file: PROGRAMS.monolith,
      port: ports.monolith,
      moving: {},
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

  /** What moves the data to the present release. */
  get cutOver(): CutOver {
    return new CutOver(url(this.#ports[this.#release]), this.#options.token)
  }

  /** Puts a release of the new service in the place of the one before, beside the monolith. Users do not notice: none of them is led there. */
  async release(kind: 'careless' | 'mended'): Promise<void> {
    await this.reviews?.stop()
    const { monolithUrl } = this
    this.reviews = await this.#options.shop.startService({
      name: 'reviews',
      file: kind === 'careless' ? PROGRAMS.carelessReviews : PROGRAMS.reviews,
      port: this.#ports[kind],
      endpoints: { catalog: monolithUrl, customers: monolithUrl },
      moving: { from: monolithUrl },
    })
    this.#release = kind
    // Another address of the service: what is compared begins anew.
    await this.#route({ isShadowed: true })
  }

  /** Reads are answered by the monolith alone again, and nobody compares. */
  async endComparison(): Promise<void> {
    await this.#route({ isShadowed: false })
  }

  async #route({ isShadowed }: { readonly isShadowed: boolean }): Promise<void> {
    await this.gateway.configure({
      upstreams: { monolith: this.monolithUrl, reviews: url(this.#ports[this.#release]) },
      routes: movingReviews({ cutOverUrl: this.cutOver.url, isShadowed }),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.gateway, this.reviews, this.monolith].map(async (each) => each?.[Symbol.asyncDispose]()))
  }
}
