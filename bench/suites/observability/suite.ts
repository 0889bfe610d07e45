import type { Suite } from '../../harness/suite.ts'
import { lockAttributionMetrics } from './lock-attribution.ts'
import { rootBlockerMetrics } from './root-blocker.ts'
import { tracedRequestMetrics } from './traced-requests.ts'
import { verdictMetrics } from './verdict.ts'

export const suite: Suite = {
  name: 'observability',
  metrics: [...rootBlockerMetrics, ...lockAttributionMetrics, ...tracedRequestMetrics, ...verdictMetrics],
}
