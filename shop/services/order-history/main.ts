import { runService } from '../../platform/run-service.ts'
import { orderHistory } from './composition.ts'
import { readHistoryOptions } from './configuration.ts'

await runService(orderHistory(readHistoryOptions()))
