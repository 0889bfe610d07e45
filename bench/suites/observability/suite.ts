import type { Suite } from '../../harness/suite.ts'
import { rootBlockerMetrics } from './root-blocker.ts'

export const suite: Suite = {
  name: 'observability',
  metrics: [...rootBlockerMetrics],
}
