import { runService } from '../../platform/run-service.ts'
import { reviews } from './composition.ts'

await runService(reviews)
