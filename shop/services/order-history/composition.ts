import { readStoreSchema } from 'seaworthy/sqlite'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { openHistoryStore } from './adapters/history-store.ts'
import { serveHistory } from './adapters/http.ts'
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
    schema: [readStoreSchema],
    async wire({ database, clock, serveRest, consumeByItself, onStop }) {
      const store = await openHistoryStore(storeUrl, { database, onStop })
      if (role !== 'writer') serveHistory(serveRest, { store, clock })
      if (role !== 'reader') await consumeByItself(recording(store))
    },
  }
}
