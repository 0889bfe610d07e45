import type { ServiceComposition } from '../../platform/service-ports.ts'
import { figuresRepository } from './adapters/figures-repository.ts'
import { serveFigures } from './adapters/http.ts'
import { ANALYTICS_SCHEMA } from './adapters/schema.ts'
import { counting } from './application/counting.ts'
import { service } from './service.ts'

/** How analytics is put together. */
export const analytics: ServiceComposition = {
  service,
  schema: [ANALYTICS_SCHEMA],
  async wire({ database, serveRest, consume }) {
    const figures = figuresRepository(database)
    serveFigures(serveRest, figures)
    await consume(counting(figures))
  },
}
