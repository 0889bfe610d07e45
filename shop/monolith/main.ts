import { runService } from '../platform/run-service.ts'
import { monolith } from './composition.ts'
import { MODULES, modulesOf } from './domain/modules.ts'

// Told by whoever starts the system at one of its stages; a monolith by itself has everything.
const standsInFor = process.env['SEAWORTHY_STANDS_IN_FOR']
await runService(monolith(standsInFor === undefined ? MODULES : modulesOf(standsInFor)))
