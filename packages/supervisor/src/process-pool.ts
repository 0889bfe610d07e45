import type { Service } from 'seaworthy/system'
import { type Addresses, instanceNames, loopbackUrl } from './process-contract.ts'
import type { SupervisedProcess } from './supervised-process.ts'

export interface ProcessPoolOptions {
  readonly instances: Map<string, readonly string[]>
  readonly addresses: Map<string, Addresses>
  /** A process that is not started yet. */
  readonly make: (service: Service, instance: string) => SupervisedProcess
  /** Addresses that nobody else has. */
  readonly allot: (service: Service) => Promise<Addresses>
}

/** The processes of a system, of which there may be more or fewer while it runs, and who is told of which. */
export class ProcessPool {
  readonly processes: SupervisedProcess[] = []
  readonly #options: ProcessPoolOptions

  constructor(options: ProcessPoolOptions) {
    this.#options = options
  }

  get addresses(): ReadonlyMap<string, Addresses> {
    return this.#options.addresses
  }

  /** Where it takes requests. */
  urlOf({ instance }: SupervisedProcess): string {
    return loopbackUrl(this.addresses.get(instance)?.httpPort ?? 0)
  }

  add(service: Service, instance: string): SupervisedProcess {
    const added = this.#options.make(service, instance)
    this.processes.push(added)
    return added
  }

  /** One more instance of a service, with addresses of its own. Nobody is told of it yet. */
  async addNext(service: Service): Promise<SupervisedProcess> {
    const taken = new Set(this.processes.map(({ instance }) => instance))
    const instance = instanceNames(service.name, taken.size + 1).find((name) => !taken.has(name))!
    this.#options.addresses.set(instance, await this.#options.allot(service))
    return this.add(service, instance)
  }

  /** From now on whoever is started calls these instances of a service. */
  tell(service: Service, instances: readonly SupervisedProcess[]): void {
    this.#options.instances.set(
      service.name,
      instances.map(({ instance }) => instance),
    )
  }

  /** Forgets one that has ended. */
  remove(supervised: SupervisedProcess): void {
    this.processes.splice(this.processes.indexOf(supervised), 1)
    this.#options.addresses.delete(supervised.instance)
  }
}
