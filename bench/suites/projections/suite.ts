import type { Suite } from '../../harness/suite.ts'
import { rebuildMetrics } from './rebuild.ts'
import { switchMetrics } from './switch.ts'

export const suite: Suite = {
  name: 'projections',
  metrics: [...rebuildMetrics, ...switchMetrics],
}
