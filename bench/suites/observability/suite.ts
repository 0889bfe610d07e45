import type { Suite } from '../../harness/suite.ts'
import { appKbMetrics } from './app-kb.ts'
import { ingestMetrics } from './ingest.ts'
import { largeTraceMetrics } from './large-trace.ts'
import { lockAttributionMetrics } from './lock-attribution.ts'
import { rootBlockerMetrics } from './root-blocker.ts'
import { tracedRequestMetrics } from './traced-requests.ts'
import { verdictMetrics } from './verdict.ts'

export const suite: Suite = {
  name: 'observability',
  metrics: [
    ...rootBlockerMetrics,
    ...lockAttributionMetrics,
    ...tracedRequestMetrics,
    ...verdictMetrics,
    ...ingestMetrics,
    ...appKbMetrics,
    ...largeTraceMetrics,
  ],
}
