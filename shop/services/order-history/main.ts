import { runService } from '../../platform/run-service.ts'
import { historyRepository } from './adapters/history-repository.ts'
import { serveHistory } from './adapters/http.ts'
import { ORDER_HISTORY_SCHEMA } from './adapters/schema.ts'
import { recording } from './application/recording.ts'
import { service } from './service.ts'

await runService({
  service,
  schema: [ORDER_HISTORY_SCHEMA],
  async wire({ database, clock, http, consume }) {
    const history = historyRepository(database)
    serveHistory(http, history)
    await consume(recording({ history, clock }))
  },
})
