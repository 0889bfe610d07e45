import { type Database, InvalidInputError } from 'seaworthy/core'
import type { ServeRest } from '../../../platform/service-ports.ts'
import { ORDERS_ASKED_MAX, parcelsApi } from '../contract/rest.ts'
import { parcelsOf } from './shipment-repository.ts'

export function serveParcels(serve: ServeRest, database: Database): void {
  serve(parcelsApi, {
    listParcels: async ({ query }) => {
      const orderIds = query.orderIds.split(',').filter((id) => id !== '')
      if (orderIds.length > ORDERS_ASKED_MAX) {
        throw new InvalidInputError(`Parcels of ${orderIds.length} orders were asked for. Ask for ${ORDERS_ASKED_MAX} at a time.`, [
          { field: 'orderIds', message: `at most ${ORDERS_ASKED_MAX}` },
        ])
      }
      return { status: 200, body: { items: await parcelsOf(database, orderIds) } }
    },
  })
}
