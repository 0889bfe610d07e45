import { runService } from '../../platform/run-service.ts'
import { orders } from './composition.ts'

await runService(orders)
