/** The whole shop as one process, at the release of payments that its environment names. */
import { runService } from '../../shop/platform/run-service.ts'
import { wholeMonolith } from './monolith/composition.ts'
import { releaseOf } from './planted-defect.ts'

await runService(wholeMonolith(releaseOf(process.env)))
