import { handlers, on } from 'seaworthy/messaging'
import type { Transaction } from 'seaworthy/core'
import { runService } from '../../platform/run-service.ts'
import { shipmentBooked } from '../shipping/contract/events.ts'
import { inventoryOverGrpc } from './adapters/grpc.ts'
import { serveImport } from './adapters/http.ts'
import { INVENTORY_SCHEMA } from './adapters/schema.ts'
import { stockRepository } from './adapters/stock-repository.ts'
import { seedInventory } from './application/seeding.ts'
import { stockKeeping } from './application/stock-keeping.ts'
import { service } from './service.ts'

await runService({
  service,
  schema: [INVENTORY_SCHEMA],
  async wire({ database, outbox, participant, newId, http, seeding, serveGrpc, consume }) {
    const stock = stockRepository(database)
    const keeping = stockKeeping({ stock, participant, outbox, newId })
    await seeding((seed) => seedInventory({ database, stock, seed }))
    serveImport(http, { database, stock })
    serveGrpc(inventoryOverGrpc({ keeping, stock }))
    await consume(handlers([on(shipmentBooked, (event, tx: Transaction) => keeping.ship(tx, event.data.orderId))], { others: 'ignore' }))
  },
})
