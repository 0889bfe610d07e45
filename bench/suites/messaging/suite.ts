import type { Suite } from '../../harness/suite.ts'
import { appendPostgresMetrics } from './append-postgres.ts'
import { appendSqliteMetrics } from './append-sqlite.ts'
import { claimBacklogMetrics } from './claim-backlog.ts'

export const suite: Suite = {
  name: 'messaging',
  metrics: [...appendSqliteMetrics, ...appendPostgresMetrics, ...claimBacklogMetrics],
}
