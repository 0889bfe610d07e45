import type { EventLog, Queue } from 'seaworthy/messaging'
import type { Service } from 'seaworthy/system'
import type { ProcessContract } from '../process-contract.ts'
import type { ServiceSchema } from '../tables.ts'
import { embeddedDatabase, embeddedEventLog, embeddedQueue } from './embedded.ts'
import type { QueueOptions, ServiceDatabase, StoreName } from './stores.ts'

export interface DatabaseOptions {
  readonly schema: readonly ServiceSchema[]
  readonly stores: readonly StoreName[]
  readonly signal: AbortSignal
}

/** What a process opens its ports by. The one place that knows which engine is behind which port. */
export interface Engines {
  /** The service's own database, migrated. */
  openDatabase(options: DatabaseOptions): Promise<ServiceDatabase>
  /** Where the service publishes, and reads what others do. @param owns the topics that this process appends to */
  openEventLog(options: { readonly owns: readonly string[]; readonly signal: AbortSignal }): Promise<EventLog>
  /** A queue of the service's own: on a broker, in the database that was opened before, or in a file. */
  openQueue(name: string, options: QueueOptions): Promise<Queue>
}

/** Opens what the process contract names, and embedded engines where it names none. The modules of the others are loaded only where they are used. */
export function enginesOf(service: Service, contract: Pick<ProcessContract, 'instance' | 'dataDir' | 'logDir' | 'engines'>): Engines {
  const { postgres, kafka, rabbitmq, prefix } = contract.engines
  let opened: ServiceDatabase | undefined
  return {
    async openDatabase(options) {
      if (postgres === undefined)
        opened = await embeddedDatabase(service, { folder: contract.dataDir, instance: contract.instance }, options)
      else {
        const { postgresDatabase } = await import('./postgres.ts')
        opened = await postgresDatabase({ url: postgres, instance: contract.instance, ...options })
      }
      return opened
    },
    async openEventLog({ owns, signal }) {
      if (kafka === undefined) return embeddedEventLog(contract.logDir, owns, signal)
      const { openKafkaEventLog } = await import('@seaworthy/kafka')
      return openKafkaEventLog({ connection: kafka, owns, prefix: `${prefix}.` })
    },
    async openQueue(name, options) {
      if (rabbitmq !== undefined) {
        const { rabbitMqQueue } = await import('./rabbitmq.ts')
        return rabbitMqQueue({ url: rabbitmq, name: `${prefix}.${service.name}.${name}`, ...options })
      }
      return opened?.openQueue?.(name, options) ?? embeddedQueue(contract.dataDir, name, options)
    },
  }
}
