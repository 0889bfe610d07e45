import type { Database } from 'seaworthy/core'
import { takenOver } from '../../../platform/take-over.ts'
import type { ServeRest } from '../../../platform/service-ports.ts'
import type { StockRepository } from '../application/ports.ts'
import { inventoryImport } from '../contract/rest.ts'

export function serveImport(serve: ServeRest, { database, stock }: { database: Database; stock: StockRepository }): void {
  serve(inventoryImport, {
    importStock: async ({ body }) => {
      const added = await database.transaction((tx) => stock.takeOver(tx, body.stock))
      return takenOver(body.stock, added)
    },
  })
}
