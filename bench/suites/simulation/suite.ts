import type { Suite } from '../../harness/suite.ts'
import { historyMetrics } from './histories.ts'

export const suite: Suite = {
  name: 'simulation',
  metrics: [...historyMetrics],
}
