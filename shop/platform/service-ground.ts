import type { LeaseStore } from 'seaworthy/core'
import type { EventLog } from 'seaworthy/messaging'
import type { Engines } from './engines/engines.ts'
import { PARTS } from './engines/stores.ts'
import type { ServiceComposition, ServicePorts } from './service-ports.ts'

/** What a service stands on: its own database, and the event log of all. */
export interface OpenedGround extends Pick<ServicePorts, 'database' | 'stores' | 'scrub' | 'openQueue'> {
  readonly log: EventLog
  /** What its instances share their work by; undefined where there is one alone. */
  readonly leases: LeaseStore | undefined
}

export interface GroundOptions {
  readonly engines: Engines
  /** The topics that this process appends to. */
  readonly owns: readonly string[]
  readonly signal: AbortSignal
  readonly onStop: ServicePorts['onStop']
}

/** Opens what the service owns. It is stopped in the opposite order: queues, log, database; and what is started on it before all of them. */
export async function openGround(
  { schema, stores: more = [] }: Pick<ServiceComposition, 'schema' | 'stores'>,
  { engines, owns, signal, onStop }: GroundOptions,
): Promise<OpenedGround> {
  const { database, stores, scrub, leases } = await engines.openDatabase({ schema, stores: [...PARTS, ...more], signal })
  onStop('database', () => database.close())
  const log = await engines.openEventLog({ owns, signal })
  onStop('event log', () => log.close())
  return {
    database,
    stores,
    scrub,
    leases,
    log,
    async openQueue(name, options) {
      const queue = await engines.openQueue(name, options)
      onStop(`queue ${name}`, () => queue.close())
      return queue
    },
  }
}
