/** The shop's monolith, with its side of the move of one of its modules: `monolith-process.ts MODULE SIDE_PORT`. */
import { monolith } from '../../shop/monolith/composition.ts'
import { MODULES, modulesOf } from '../../shop/monolith/domain/modules.ts'
import { runService } from '../../shop/platform/run-service.ts'
import type { MovingModule } from './mappings.ts'
import { withSide } from './moving-side.ts'

const [module, port] = process.argv.slice(2)
const standsInFor = process.env['SEAWORTHY_STANDS_IN_FOR']
const whole = monolith(standsInFor === undefined ? MODULES : modulesOf(standsInFor))
await runService(withSide(whole, { module: module as MovingModule, side: 'old', port: Number(port) }))
