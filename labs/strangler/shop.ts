import { join } from 'node:path'
import { type DataDirectoryPaths, freePorts, openDataDirectory } from '@seaworthy/supervisor'
import { newId } from 'seaworthy/core'
import { LabProcess } from '../lab-process.ts'

const SHOP = new URL('../../shop/', import.meta.url)

export interface ShopOptions {
  /** The data directory, as the shop's own supervisor lays it out. */
  readonly dataDir: string
  readonly outDir: string
  /** What the processes show each other that move data. */
  readonly token: string
}

export interface ServiceProgram {
  readonly name: 'monolith' | 'reviews' | 'catalog' | 'customers'
  readonly file: URL
  readonly port: number
  /** Whom it asks, by the name of the service that it means. */
  readonly endpoints?: Readonly<Record<string, string>>
  /** For whom the monolith answers; all, where it is left out. */
  readonly standsInFor?: string
  /** Whether its data may move: to it, from where its predecessor is, or away from it. */
  readonly moving?: { readonly from?: string }
  /** Whether it invents data where it finds none. */
  readonly isSeeded?: boolean
}

export const url = (port: number): string => `http://127.0.0.1:${port}`

/** The programs that a shop of this lab is made of, each a process. All but one are the shop's own. */
export const PROGRAMS = {
  monolith: new URL('monolith/main.ts', SHOP),
  reviews: new URL('services/reviews/main.ts', SHOP),
  carelessReviews: new URL('careless-process.ts', import.meta.url),
  catalog: new URL('services/catalog/main.ts', SHOP),
  customers: new URL('services/customers/main.ts', SHOP),
} as const

/** Where the processes of a shop are, what they are told, and what they print. */
export class Shop {
  readonly paths: DataDirectoryPaths
  readonly #options: ShopOptions

  constructor(options: ShopOptions) {
    this.#options = options
    // Makes its folders. Nobody but the stage command has to own it.
    const directory = openDataDirectory(options.dataDir)
    directory.release()
    this.paths = directory
  }

  startService({ name, file, port, endpoints = {}, standsInFor, moving, isSeeded = false }: ServiceProgram): Promise<LabProcess> {
    const env = {
      SEAWORTHY_LOG_LEVEL: 'warn',
      SEAWORTHY_SERVICE: name,
      SEAWORTHY_INSTANCE: `${name}-1`,
      SEAWORTHY_DATA_DIR: join(this.paths.services, name),
      SEAWORTHY_LOG_DIR: this.paths.eventLog,
      SEAWORTHY_HTTP_PORT: String(port),
      SEAWORTHY_ENDPOINTS: JSON.stringify(Object.fromEntries(Object.entries(endpoints).map(([callee, http]) => [callee, { http }]))),
      ...(standsInFor !== undefined && { SEAWORTHY_STANDS_IN_FOR: standsInFor }),
      ...(moving !== undefined && { SEAWORTHY_DATA_TOKEN: this.#options.token }),
      ...(moving?.from !== undefined && { SEAWORTHY_PREDECESSOR_URL: moving.from }),
      ...(!isSeeded && { SHOP_SEED: 'none' }),
    }
    const { outDir } = this.#options
    return LabProcess.start({ name, file, env, readyUrl: `${url(port)}/readyz`, outDir })
  }
}

/** A free port for each name: below those that the system gives to connections, one of which could take it while its process is replaced. */
export async function portsFor<Name extends string>(...names: readonly Name[]): Promise<Readonly<Record<Name, number>>> {
  const ports = await freePorts(names.length, newId(), new Set())
  return Object.fromEntries(names.map((name, index) => [name, ports[index]!])) as Record<Name, number>
}
