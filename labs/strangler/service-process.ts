/**
 * A service of the shop before it is well: `service-process.ts MODULE SIDE_PORT [careless]`. With a port it has a side of the move of its data; a careless one has
 * the bugs of planted-faults.ts.
 */
import { runService } from '../../shop/platform/run-service.ts'
import { catalog } from '../../shop/services/catalog/composition.ts'
import { reviews } from '../../shop/services/reviews/composition.ts'
import type { MovingModule } from './mappings.ts'
import { withSide } from './moving-side.ts'
import { withPlantedBugs } from './planted-faults.ts'

const [module, sidePort, release] = process.argv.slice(2)
const whole = { reviews, catalog }[module as MovingModule]
const service = release === 'careless' ? withPlantedBugs(whole) : whole
const port = Number(sidePort)
await runService(port === 0 ? service : withSide(service, { module: module as MovingModule, side: 'new', port }))
