import { handlers, on } from 'seaworthy/messaging'
import type { Transaction } from 'seaworthy/core'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { shipmentBooked } from '../shipping/contract/events.ts'
import { inventoryOverGrpc } from './adapters/grpc.ts'
import { serveImport } from './adapters/http.ts'
import { INVENTORY_SCHEMA } from './adapters/schema.ts'
import { stockRepository } from './adapters/stock-repository.ts'
import { seedInventory } from './application/seeding.ts'
import { stockKeeping } from './application/stock-keeping.ts'
import { service } from './service.ts'

/** How inventory is put together. */
export const inventory: ServiceComposition = {
  service,
  schema: [INVENTORY_SCHEMA],
  async wire({ database, outbox, participant, newId, serveRest, seeding, serveGrpc, consume }) {
    const stock = stockRepository(database)
    const keeping = stockKeeping({ stock, participant, outbox, newId })
    await seeding((seed) => seedInventory({ database, stock, seed }))
    serveImport(serveRest, { database, stock })
    serveGrpc(inventoryOverGrpc({ keeping, stock }))
    await consume(handlers([on(shipmentBooked, (event, tx: Transaction) => keeping.ship(tx, event.data.orderId))], { others: 'ignore' }))
  },
}
