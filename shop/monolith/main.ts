import { runService } from '../platform/run-service.ts'
import { monolith } from './composition.ts'

await runService(monolith)
