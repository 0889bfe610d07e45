import { runService } from '../../platform/run-service.ts'
import { figuresRepository } from './adapters/figures-repository.ts'
import { serveFigures } from './adapters/http.ts'
import { ANALYTICS_SCHEMA } from './adapters/schema.ts'
import { counting } from './application/counting.ts'
import { service } from './service.ts'

await runService({
  service,
  schema: [ANALYTICS_SCHEMA],
  async wire({ database, http, consume }) {
    const figures = figuresRepository(database)
    serveFigures(http, figures)
    await consume(counting(figures))
  },
})
