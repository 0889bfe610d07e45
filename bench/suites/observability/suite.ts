import type { Suite } from '../../harness/suite.ts'
import { appKbMetrics } from './app-kb.ts'
import { ingestMetrics } from './ingest.ts'

export const suite: Suite = { name: 'observability', metrics: [...ingestMetrics, ...appKbMetrics] }
