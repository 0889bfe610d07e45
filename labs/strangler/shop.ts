import { join } from 'node:path'
import { type DataDirectoryPaths, freePorts, openDataDirectory } from '@seaworthy/supervisor'
import { newId } from 'seaworthy/core'
import { LabProcess, type Program } from './lab-process.ts'

const SHOP = new URL('../../shop/', import.meta.url)
const HERE = new URL('./', import.meta.url)

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
  readonly args?: readonly string[]
  readonly port: number
  /** Whom it asks, by the name of the service that it means. */
  readonly endpoints?: Readonly<Record<string, string>>
  /** For whom the monolith answers; all, where it is left out. */
  readonly standsInFor?: string
  /** Whether it invents data where it finds none. */
  readonly isSeeded?: boolean
}

export const url = (port: number): string => `http://127.0.0.1:${port}`

/** The programs that a shop of this lab is made of, each a process. */
export const PROGRAMS = {
  /** With a side of a move. */
  movingMonolith: new URL('monolith-process.ts', HERE),
  monolith: new URL('monolith/main.ts', SHOP),
  movingService: new URL('service-process.ts', HERE),
  reviews: new URL('services/reviews/main.ts', SHOP),
  catalog: new URL('services/catalog/main.ts', SHOP),
  customers: new URL('services/customers/main.ts', SHOP),
  cutOver: new URL('cut-over-process.ts', HERE),
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

  startService({ name, file, args = [], port, endpoints = {}, standsInFor, isSeeded = false }: ServiceProgram): Promise<LabProcess> {
    const env = {
      SEAWORTHY_SERVICE: name,
      SEAWORTHY_INSTANCE: `${name}-1`,
      SEAWORTHY_DATA_DIR: join(this.paths.services, name),
      SEAWORTHY_LOG_DIR: this.paths.eventLog,
      SEAWORTHY_HTTP_PORT: String(port),
      SEAWORTHY_ENDPOINTS: JSON.stringify(Object.fromEntries(Object.entries(endpoints).map(([callee, http]) => [callee, { http }]))),
      ...(standsInFor !== undefined && { SEAWORTHY_STANDS_IN_FOR: standsInFor }),
      ...(!isSeeded && { SHOP_SEED: 'none' }),
    }
    return this.start({ name, file, args, env, readyUrl: `${url(port)}/readyz` })
  }

  start(program: Omit<Program, 'outDir'>): Promise<LabProcess> {
    const { outDir, token } = this.#options
    return LabProcess.start({ ...program, outDir, env: { SEAWORTHY_LOG_LEVEL: 'warn', LAB_TOKEN: token, ...program.env } })
  }
}

/** A free port for each name: below those that the system gives to connections, one of which could take it while its process is replaced. */
export async function portsFor<Name extends string>(...names: readonly Name[]): Promise<Readonly<Record<Name, number>>> {
  const ports = await freePorts(names.length, newId(), new Set())
  return Object.fromEntries(names.map((name, index) => [name, ports[index]!])) as Record<Name, number>
}
