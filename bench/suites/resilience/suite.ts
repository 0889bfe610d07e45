import type { Suite } from '../../harness/suite.ts'
import { amplificationMetrics } from './amplification.ts'
import { circuitBreakerMetrics } from './circuit-breaker.ts'
import { fusedMetrics } from './fused.ts'
import { hedgingMetrics } from './hedging.ts'
import { keyedMetrics } from './keyed.ts'
import { overloadMetrics } from './overload.ts'

export const suite: Suite = {
  name: 'resilience',
  metrics: [...fusedMetrics, ...circuitBreakerMetrics, ...keyedMetrics, ...amplificationMetrics, ...overloadMetrics, ...hedgingMetrics],
}
