import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { dropSqliteSide } from '@seaworthy/strangler/cut-over'
import { hasServiceData, openDataDirectory } from '@seaworthy/supervisor'
import { openSqliteDatabase } from 'seaworthy/sqlite'
import { recordStage } from '../../shop/stages/data-stage.ts'
import { moveData } from '../../shop/stages/move-data.ts'
import { CutOver } from './cut-over.ts'
import { eventually } from './eventually.ts'
import type { Extraction } from './extraction.ts'
import type { LabProcess } from './lab-process.ts'
import { MAPPINGS, type MovingModule } from './mappings.ts'
import { movingCatalog, routesAt } from './routes.ts'
import { portsFor, PROGRAMS, type ServiceProgram, type Shop, url } from './shop.ts'

export interface LastStagesOptions {
  readonly shop: Shop
  readonly extraction: Extraction
  readonly token: string
}

type Ports = Awaited<ReturnType<typeof portsOf>>
const portsOf = () => portsFor('monolith', 'monolithSide', 'reviews', 'catalog', 'catalogSide', 'lastCatalog', 'customers', 'lastReviews')

/**
 * What comes after the move of reviews. Stage 1 is the shop's own: what is left of the move goes, for which both processes are replaced. Then the catalog leaves, live
 * as well. Customers leave last, and with them the monolith, while everything stands still for some seconds: their topic is handed over by a publisher that has stopped.
 * Whoever asks while something is replaced waits at the gateway.
 */
export class LastStages implements AsyncDisposable {
  readonly #options: LastStagesOptions
  readonly #ports: Ports
  readonly #running = new Map<ServiceProgram['name'], LabProcess>()
  #cutOver: CutOver | undefined

  private constructor(options: LastStagesOptions, ports: Ports) {
    this.#options = options
    this.#ports = ports
  }

  static async of(options: LastStagesOptions): Promise<LastStages> {
    return new LastStages(options, await portsOf())
  }

  /** Reviews are a service, the monolith has catalog and customers, and follows the events of reviews. */
  async standAtFirst(): Promise<void> {
    const { extraction, shop } = this.#options
    const { gateway, monolith, reviews, cutOver } = extraction
    const ports = this.#ports
    const old = url(ports.monolith)
    // First: from now on requests wait for those who are about to start.
    await gateway.configure({ upstreams: { monolith: old, reviews: url(ports.reviews) }, routes: routesAt(1) })
    await cutOver.stop()
    // Those who ask others go before those who are asked, and come after them.
    await reviews?.stop()
    await monolith.stop()
    for (const service of ['monolith', 'reviews']) await this.#dropSide(service, 'reviews')
    recordStage(shop.paths.path, 'embedded', 1)
    await this.#start({
      name: 'monolith',
      file: PROGRAMS.movingMonolith,
      args: ['catalog', String(ports.monolithSide)],
      port: ports.monolith,
      standsInFor: 'catalog,customers',
    })
    await this.#start({
      name: 'reviews',
      file: PROGRAMS.reviews,
      port: ports.reviews,
      endpoints: { catalog: old, customers: old },
    })
  }

  /** The catalog runs beside the monolith: its products are copied, its ratings come by the events of reviews. What both say of them is compared. */
  async followCatalog(): Promise<void> {
    const { shop, token } = this.#options
    const { monolithSide, catalogSide, catalog, monolith } = this.#ports
    await this.#start({ name: 'catalog', file: PROGRAMS.movingService, args: ['catalog', String(catalogSide)], port: catalog })
    this.#cutOver = await CutOver.start({ shop, token, module: 'catalog', sides: { old: monolithSide, new: catalogSide } })
    await this.#cutOver.untilReady()
    const productsOf = async (port: number) => (await fetch(`${url(port)}/api/products?pageSize=100`)).json()
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
    await this.#cutOver?.retire()
    recordStage(this.#options.shop.paths.path, 'embedded', 2)
  }

  /** There is no monolith. */
  async standAtLast(): Promise<void> {
    const { gateway } = this.#options.extraction
    const ports = this.#ports
    const [catalog, customers] = [url(ports.lastCatalog), url(ports.customers)]
    await gateway.configure({ upstreams: { catalog, customers, reviews: url(ports.lastReviews) }, routes: routesAt(3) })
    await this.#cutOver?.stop()
    for (const name of ['reviews', 'monolith', 'catalog'] as const) await this.#running.get(name)?.stop()
    for (const service of ['monolith', 'catalog']) await this.#dropSide(service, 'catalog')
    await this.#moveCustomers()
    await Promise.all([
      this.#start({ name: 'catalog', file: PROGRAMS.catalog, port: ports.lastCatalog }),
      this.#start({ name: 'customers', file: PROGRAMS.customers, port: ports.customers }),
    ])
    await this.#start({ name: 'reviews', file: PROGRAMS.reviews, port: ports.lastReviews, endpoints: { catalog, customers } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#cutOver, ...this.#running.values()].map(async (each) => each?.[Symbol.asyncDispose]()))
  }

  async #start(program: ServiceProgram): Promise<void> {
    this.#running.set(program.name, await this.#options.shop.startService(program))
  }

  async #route({ isShadowed }: { readonly isShadowed: boolean }): Promise<void> {
    const { monolith, reviews, catalog } = this.#ports
    await this.#options.extraction.gateway.configure({
      upstreams: { monolith: url(monolith), reviews: url(reviews), catalog: url(catalog) },
      routes: movingCatalog({ cutOverUrl: this.#cutOver!.url, isShadowed }),
    })
  }

  /** As `npm run shop:stage -- --to 3` does. */
  async #moveCustomers(): Promise<void> {
    const directory = openDataDirectory(this.#options.shop.paths.path)
    try {
      await moveData({
        paths: directory,
        hasData: async (service) => hasServiceData(directory, service),
        to: 3,
        onStage: () => undefined,
        signal: new AbortController().signal,
      })
    } finally {
      directory.release()
    }
  }

  async #dropSide(service: string, module: MovingModule): Promise<void> {
    const database = await openSqliteDatabase({ path: join(this.#options.shop.paths.services, service, `${service}.db`) })
    try {
      await dropSqliteSide({ mapping: MAPPINGS[module], database })
    } finally {
      await database.close()
    }
  }
}
