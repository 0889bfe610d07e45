import { openReadModelStore } from '../../platform/read-model-store.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { ordersByCustomer } from '../orders/contract/rest.ts'
import { parcelsApi } from '../shipping/contract/rest.ts'
import { serveHistory } from './adapters/http.ts'
import { ownersOver } from './adapters/owners.ts'
import { composingHistory } from './application/composing.ts'
import { recording } from './application/recording.ts'
import { service } from './service.ts'

export interface OrderHistoryOptions {
  /** Where the read model lives: a URL of PostgreSQL or Redis. Default: the service's own database. */
  readonly storeUrl?: string | undefined
  /** What this process does. Readers share a store with one that writes it. Default both. */
  readonly role?: 'both' | 'reader' | 'writer'
}

/** How order history is put together. */
export function orderHistory({ storeUrl, role = 'both' }: OrderHistoryOptions = {}): ServiceComposition {
  return {
    service,
    schema: [],
    stores: ['documents'],
    async wire({ stores, clock, connections, serveRest, consumeByItself, onStop }) {
      const store = await openReadModelStore({ url: storeUrl, variable: 'SHOP_HISTORY_STORE' }, { stores, onStop })
      if (role !== 'writer') {
        const owners = ownersOver({
          orders: connections.rest(ordersByCustomer, 'orders'),
          parcels: connections.rest(parcelsApi, 'shipping'),
        })
        serveHistory(serveRest, { store, compose: composingHistory(owners), clock })
      }
      if (role !== 'reader') await consumeByItself(recording(store))
    },
  }
}
