import type { Suite } from '../../harness/suite.ts'
import { circuitBreakerMetrics } from './circuit-breaker.ts'
import { fusedMetrics } from './fused.ts'
import { keyedMetrics } from './keyed.ts'

export const suite: Suite = { name: 'resilience', metrics: [...fusedMetrics, ...circuitBreakerMetrics, ...keyedMetrics] }
