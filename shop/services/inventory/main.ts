import { runService } from '../../platform/run-service.ts'
import { inventory } from './composition.ts'

await runService(inventory)
