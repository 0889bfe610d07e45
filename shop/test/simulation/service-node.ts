import { type NodeDefinition, type NodePorts, node } from '@seaworthy/simulation'
import { rootContext } from 'seaworthy/core'
import { subjectKeySchema, subjectKeysIn } from 'seaworthy/sqlite'
import type { System } from 'seaworthy/system'
import { sqliteSchema, sqliteStores } from '../../platform/engines/embedded.ts'
import { PARTS } from '../../platform/engines/stores.ts'
import { startParts } from '../../platform/service-parts.ts'
import type { ServiceComposition, ServiceLogger } from '../../platform/service-ports.ts'
import { readSwitches } from '../../platform/switches.ts'
import { UNATTENDED, UNWATCHED } from '../unattended.ts'
import { connectionsOver, type Served, servingInto } from './wires.ts'

export interface ServiceNodeOptions {
  readonly name: string
  readonly compose: (ports: NodePorts) => ServiceComposition
  /** Who answers for whom, as the system declares it. */
  readonly standIns: System['standIns']
  /** Safety nets that are taken away, as SHOP_WITHOUT names them. */
  readonly without?: string | undefined
  /** Requests that fill its database at each start, by operation. What is known already is left as it is. */
  readonly takesOver?: Readonly<Record<string, object>>
}

/** A service of the shop as a node: its composition, started as run-service.ts starts it, over simulated ports. */
export function serviceNode({ name, compose, standIns, without = '', takesOver = {} }: ServiceNodeOptions): NodeDefinition {
  return node(name, async (ports) => {
    const { service, schema, stores: more = [], wire } = compose(ports)
    const { clock, newId, eventLog, queue, transport } = ports
    const database = await ports.database({ schema: sqliteSchema({ schema, stores: [...PARTS, ...more] }) })
    const keys = more.includes('subjects')
      ? subjectKeysIn(await ports.database({ name: 'keys', schema: [subjectKeySchema] }), {
          ...ports,
          emptyWriteAheadLog: async () => true,
        })
      : undefined
    const stores = sqliteStores(database, keys)
    const switches = readSwitches({ SHOP_WITHOUT: without })
    const logger = loggerOf(ports)
    // A simulated process dies; nobody stops it.
    const onStop = () => undefined
    const served: Served = {}
    await wire({
      ...startParts({
        service,
        database,
        stores,
        log: eventLog,
        switches,
        clock,
        logger,
        onStop,
        ...UNWATCHED,
      }),
      ...UNATTENDED,
      switches,
      logger,
      clock,
      newId,
      folder: name,
      database,
      stores,
      // There are no files.
      scrub: async () => [],
      openQueue: async (queueName, { deliveryLimit }) => queue(queueName, { ...(deliveryLimit !== undefined && { deliveryLimit }) }),
      connections: connectionsOver(transport, service, standIns),
      ...servingInto(served),
      onStop,
    })
    for (const [operation, body] of Object.entries(takesOver)) await served[operation]!({ body } as never, rootContext())
    return served
  })
}

/** Log lines become lines of the history. */
function loggerOf({ note }: NodePorts): ServiceLogger {
  const line = (fields: object, message: string) => {
    const { err, ...rest } = fields as { err?: Error }
    note(err === undefined ? message : `${message}: ${err.message}`, rest)
  }
  return { info: line, warn: line, error: line, fatal: line }
}
