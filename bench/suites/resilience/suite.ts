import type { Suite } from '../../harness/suite.ts'
import { fusedMetrics } from './fused.ts'

export const suite: Suite = { name: 'resilience', metrics: [...fusedMetrics] }
