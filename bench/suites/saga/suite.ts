import type { Suite } from '../../harness/suite.ts'
import { deploysMetrics } from './deploys.ts'
import { fourStepsMetrics } from './four-steps.ts'

export const suite: Suite = {
  name: 'saga',
  metrics: [...fourStepsMetrics, ...deploysMetrics],
}
