/** The shop's monolith, with its side of the move of reviews: `monolith-process.ts SIDE_PORT`. */
import { monolith } from '../../shop/monolith/composition.ts'
import { runService } from '../../shop/platform/run-service.ts'
import { reviewsMapping } from '../../shop/services/reviews/contract/monolith-mapping.ts'
import { withSide } from './moving-side.ts'

const port = Number(process.argv[2])
const token = process.env['LAB_TOKEN'] ?? ''
await runService(withSide(monolith(), { mapping: reviewsMapping, side: 'old', port, token }))
