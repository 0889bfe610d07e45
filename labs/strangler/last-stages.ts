import { isDeepStrictEqual } from 'node:util'
import { hasServiceData, openDataDirectory } from '@seaworthy/supervisor'
import { moveData } from '../../shop/stages/move-data.ts'
import { CutOver } from './cut-over.ts'
import { eventually } from '../eventually.ts'
import type { Extraction } from './extraction.ts'
import type { LabProcess } from '../lab-process.ts'
import { movingCatalog, routesAt } from './routes.ts'
import { portsFor, PROGRAMS, type ServiceProgram, type Shop, url } from './shop.ts'

export interface LastStagesOptions {
  readonly shop: Shop
  readonly extraction: Extraction
  readonly token: string
}

type Ports = Awaited<ReturnType<typeof portsOf>>
const portsOf = () => portsFor('monolith', 'reviews', 'catalog', 'lastCatalog', 'customers', 'lastReviews')

/**
 * What comes after the move of reviews. Stage 1: the move is ended, for which both processes are replaced. Then the catalog leaves, live as well. Customers leave last, and
 * with them the monolith, while everything stands still for some seconds: the way at rest, shown once. Whoever asks while something is replaced waits at the gateway.
 */
export class LastStages implements AsyncDisposable {
  readonly #options: LastStagesOptions
  readonly #ports: Ports
  readonly #running = new Map<ServiceProgram['name'], LabProcess>()

  private constructor(options: LastStagesOptions, ports: Ports) {
    this.#options = options
    this.#ports = ports
  }

  static async of(options: LastStagesOptions): Promise<LastStages> {
    return new LastStages(options, await portsOf())
  }

  /** Reviews are a service, the monolith has catalog and customers, and follows the events of reviews. */
  async standAtFirst(): Promise<void> {
    const { gateway, monolith, reviews } = this.#options.extraction
    const ports = this.#ports
    const old = url(ports.monolith)
    // First: from now on requests wait for those who are about to start.
    await gateway.configure({ upstreams: { monolith: old, reviews: url(ports.reviews) }, routes: routesAt(1) })
    // Those who ask others go before those who are asked, and come after them.
    await reviews?.stop()
    await monolith.stop()
    await this.#moveData(1)
    const { monolith: file } = PROGRAMS
    await this.#start({ name: 'monolith', file, port: ports.monolith, standsInFor: 'catalog,customers', moving: {} })
    const endpoints = { catalog: old, customers: old }
    await this.#start({ name: 'reviews', file: PROGRAMS.reviews, port: ports.reviews, endpoints })
  }

  /** The catalog runs beside the monolith: its products are copied, its ratings come by the events of reviews. What both say of them is compared. */
  async followCatalog(): Promise<void> {
    const [monolith, catalog] = [url(this.#ports.monolith), url(this.#ports.catalog)]
    await this.#start({ name: 'catalog', file: PROGRAMS.catalog, port: this.#ports.catalog, moving: { from: monolith } })
    await this.#cutOver.untilReady()
    const productsOf = async (base: string) => (await fetch(`${base}/api/products?pageSize=100`)).json()
    await eventually(
      'the catalog has heard of all reviews',
      () => Promise.all([productsOf(monolith), productsOf(catalog)]),
      ([old, young]) => isDeepStrictEqual(old, young),
    )
    await this.#route({ isShadowed: true })
  }

  /** Nobody compares any more. */
  async endComparison(): Promise<void> {
    await this.#route({ isShadowed: false })
  }

  /** The monolith has no products any more that anybody asks for. */
  async retireCatalog(): Promise<void> {
    await this.#cutOver.retire()
  }

  /** There is no monolith. */
  async standAtLast(): Promise<void> {
    const { gateway } = this.#options.extraction
    const ports = this.#ports
    const [catalog, customers] = [url(ports.lastCatalog), url(ports.customers)]
    await gateway.configure({ upstreams: { catalog, customers, reviews: url(ports.lastReviews) }, routes: routesAt(3) })
    for (const name of ['reviews', 'catalog', 'monolith'] as const) await this.#running.get(name)?.stop()
    await this.#moveData(3)
    await Promise.all([
      this.#start({ name: 'catalog', file: PROGRAMS.catalog, port: ports.lastCatalog }),
      this.#start({ name: 'customers', file: PROGRAMS.customers, port: ports.customers }),
    ])
    await this.#start({ name: 'reviews', file: PROGRAMS.reviews, port: ports.lastReviews, endpoints: { catalog, customers } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#running.values(), async (each) => each[Symbol.asyncDispose]()))
  }

  get #cutOver(): CutOver {
    return new CutOver(url(this.#ports.catalog), this.#options.token)
  }

  async #start(program: ServiceProgram): Promise<void> {
    this.#running.set(program.name, await this.#options.shop.startService(program))
  }

  async #route({ isShadowed }: { readonly isShadowed: boolean }): Promise<void> {
    const { monolith, reviews, catalog } = this.#ports
    await this.#options.extraction.gateway.configure({
      upstreams: { monolith: url(monolith), reviews: url(reviews), catalog: url(catalog) },
      routes: movingCatalog({ cutOverUrl: this.#cutOver.url, isShadowed }),
    })
  }

  /** As `npm run shop:stage -- --to STAGE` does. It ends the moves that were made live, and makes those that were not. */
  async #moveData(to: number): Promise<void> {
    const directory = openDataDirectory(this.#options.shop.paths.path)
    try {
      await moveData({
        paths: directory,
        hasData: async (service) => hasServiceData(directory, service),
        to,
        onStage: () => undefined,
        signal: new AbortController().signal,
      })
    } finally {
      directory.release()
    }
  }
}
