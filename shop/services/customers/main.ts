import { runService } from '../../platform/run-service.ts'
import { customers } from './composition.ts'

await runService(customers)
