import type { Suite } from '../../harness/suite.ts'
import { appendPostgresMetrics } from './append-postgres.ts'

export const suite: Suite = {
  name: 'messaging',
  metrics: [...appendPostgresMetrics],
}
