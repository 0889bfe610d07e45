/**
 * The shop's service reviews before it is well: `reviews-process.ts SIDE_PORT [careless]`. With a port it has a side of the move of its data; a careless one has
 * the bugs of planted-faults.ts.
 */
import { runService } from '../../shop/platform/run-service.ts'
import { reviewsMapping } from '../../shop/services/reviews/contract/monolith-mapping.ts'
import { reviews } from '../../shop/services/reviews/composition.ts'
import { withSide } from './moving-side.ts'
import { withPlantedBugs } from './planted-faults.ts'

const [sidePort = '0', release] = process.argv.slice(2)
const port = Number(sidePort)
const token = process.env['LAB_TOKEN'] ?? ''
const service = release === 'careless' ? withPlantedBugs(reviews) : reviews
await runService(port === 0 ? service : withSide(service, { mapping: reviewsMapping, side: 'new', port, token }))
