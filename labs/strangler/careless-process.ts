/** The shop's service reviews before it is well: with the bugs of planted-faults.ts. */
import { runService } from '../../shop/platform/run-service.ts'
import { reviews } from '../../shop/services/reviews/composition.ts'
import { withPlantedBugs } from './planted-faults.ts'

await runService(withPlantedBugs(reviews))
