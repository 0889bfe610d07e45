import { runService } from '../../platform/run-service.ts'
import { storefront } from './composition.ts'

await runService(storefront)
