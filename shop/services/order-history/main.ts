import { runService } from '../../platform/run-service.ts'
import { orderHistory } from './composition.ts'

await runService(orderHistory)
