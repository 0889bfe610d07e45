import { runService } from '../../platform/run-service.ts'
import { catalog } from './composition.ts'

await runService(catalog)
