import type { Suite } from '../../harness/suite.ts'
import { fourStepsMetrics } from './four-steps.ts'

export const suite: Suite = {
  name: 'saga',
  metrics: [...fourStepsMetrics],
}
