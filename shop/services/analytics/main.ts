import { runService } from '../../platform/run-service.ts'
import { analytics } from './composition.ts'

await runService(analytics)
