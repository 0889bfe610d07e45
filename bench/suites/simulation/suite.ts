import type { Suite } from '../../harness/suite.ts'
import { historyMetrics } from './histories.ts'
import { proofMetrics } from './proof.ts'

export const suite: Suite = {
  name: 'simulation',
  metrics: [...historyMetrics, ...proofMetrics],
}
