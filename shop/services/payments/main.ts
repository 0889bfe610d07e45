import { runService } from '../../platform/run-service.ts'
import { payments } from './composition.ts'

await runService(payments)
