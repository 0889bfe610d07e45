import { runService } from '../../platform/run-service.ts'
import { payments } from './composition.ts'
import { readPaymentsOptions } from './configuration.ts'

await runService(payments(readPaymentsOptions()))
