import { join } from 'node:path'
import { dropSqliteSide } from '@seaworthy/strangler/cut-over'
import { hasServiceData, openDataDirectory } from '@seaworthy/supervisor'
import { openSqliteDatabase } from 'seaworthy/sqlite'
import { reviewsMapping } from '../../shop/services/reviews/contract/monolith-mapping.ts'
import { recordStage } from '../../shop/stages/data-stage.ts'
import { moveData } from '../../shop/stages/move-data.ts'
import type { Extraction } from './extraction.ts'
import type { LabProcess } from './lab-process.ts'
import { routesAt } from './routes.ts'
import { portsFor, PROGRAMS, type Shop, url } from './shop.ts'

/**
 * What comes after the move of reviews: the scaffolding goes, and the shop's own processes stand at stage 1; then catalog and customers leave, and the monolith does not
 * run any more. Both times everything stands still for the seconds of a restart, and whoever asks meanwhile waits at the gateway.
 */
export class LastStages implements AsyncDisposable {
  readonly #shop: Shop
  readonly #extraction: Extraction
  readonly #running: LabProcess[] = []

  constructor(shop: Shop, extraction: Extraction) {
    this.#shop = shop
    this.#extraction = extraction
  }

  /** Reviews are a service, the monolith has catalog and customers, and follows the events of reviews. Nothing of the move is left in either file. */
  async standAtFirst(): Promise<void> {
    const { gateway, monolith, reviews } = this.#extraction
    const ports = await portsFor('monolith', 'reviews')
    const old = url(ports.monolith)
    // First: from now on requests wait for those who are about to start.
    await gateway.configure({ upstreams: { monolith: old, reviews: url(ports.reviews) }, routes: routesAt(1) })
    await this.#extraction.endCutOver()
    // Those who ask others go before those who are asked.
    await reviews?.stop()
    await monolith.stop()
    await this.#dropSide('monolith')
    await this.#dropSide('reviews')
    recordStage(this.#shop.paths.path, 'embedded', 1)
    // Those who are asked go before those who ask them.
    await this.#start({ name: 'monolith', file: PROGRAMS.monolith, port: ports.monolith, standsInFor: 'catalog,customers' })
    await this.#start({ name: 'reviews', file: PROGRAMS.reviews, port: ports.reviews, endpoints: { catalog: old, customers: old } })
  }

  /** There is no monolith. */
  async standAtLast(): Promise<void> {
    const ports = await portsFor('catalog', 'reviews', 'customers')
    const [catalog, customers] = [url(ports.catalog), url(ports.customers)]
    await this.#extraction.gateway.configure({ upstreams: { catalog, customers, reviews: url(ports.reviews) }, routes: routesAt(3) })
    const [monolith, reviews] = this.#running.splice(0)
    await reviews?.stop()
    await monolith?.stop()
    await this.#moveData()
    await this.#start(
      { name: 'catalog', file: PROGRAMS.catalog, port: ports.catalog },
      { name: 'customers', file: PROGRAMS.customers, port: ports.customers },
    )
    await this.#start({ name: 'reviews', file: PROGRAMS.reviews, port: ports.reviews, endpoints: { catalog, customers } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((each) => each[Symbol.asyncDispose]()))
  }

  async #start(...programs: readonly Parameters<Shop['startService']>[0][]): Promise<void> {
    const started = await Promise.allSettled(programs.map((program) => this.#shop.startService(program)))
    for (const each of started) if (each.status === 'fulfilled') this.#running.push(each.value)
    for (const each of started) if (each.status === 'rejected') throw each.reason
  }

  /** As `npm run shop:stage -- --to 3` does. */
  async #moveData(): Promise<void> {
    const directory = openDataDirectory(this.#shop.paths.path)
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

  async #dropSide(service: 'monolith' | 'reviews'): Promise<void> {
    const database = await openSqliteDatabase({ path: join(this.#shop.paths.services, service, `${service}.db`) })
    try {
      await dropSqliteSide({ mapping: reviewsMapping, database })
    } finally {
      await database.close()
    }
  }
}
