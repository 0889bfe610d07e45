import type { ServiceComposition } from '../../platform/service-ports.ts'
import { historyRepository } from './adapters/history-repository.ts'
import { serveHistory } from './adapters/http.ts'
import { ORDER_HISTORY_SCHEMA } from './adapters/schema.ts'
import { recording } from './application/recording.ts'
import { service } from './service.ts'

/** How order history is put together. */
export const orderHistory: ServiceComposition = {
  service,
  schema: [ORDER_HISTORY_SCHEMA],
  async wire({ database, clock, serveRest, consume }) {
    const history = historyRepository(database)
    serveHistory(serveRest, history)
    await consume(recording({ history, clock }))
  },
}
