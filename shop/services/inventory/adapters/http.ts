import { type HttpServer, serve } from '@seaworthy/rpc/rest'
import type { Database } from 'seaworthy/core'
import { takenOver } from '../../../platform/take-over.ts'
import type { StockRepository } from '../application/ports.ts'
import { inventoryImport } from '../contract/rest.ts'

export function serveImport(server: HttpServer, { database, stock }: { database: Database; stock: StockRepository }): void {
  serve(server, inventoryImport, {
    importStock: async ({ body }) => {
      const added = await database.transaction((tx) => stock.takeOver(tx, body.stock))
      return takenOver(body.stock, added)
    },
  })
}
