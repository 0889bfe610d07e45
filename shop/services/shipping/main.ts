import { runService } from '../../platform/run-service.ts'
import { shipping } from './composition.ts'

await runService(shipping)
