import type { Suite } from '../../harness/suite.ts'
import { appendPostgresMetrics } from './append-postgres.ts'
import { appendSqliteMetrics } from './append-sqlite.ts'
import { commandsPostgresMetrics } from './commands-postgres.ts'
import { emmettSqliteMetrics } from './emmett-sqlite.ts'
import { loadMetrics } from './load.ts'

export const suite: Suite = {
  name: 'event-store',
  metrics: [...loadMetrics, ...appendSqliteMetrics, ...emmettSqliteMetrics, ...appendPostgresMetrics, ...commandsPostgresMetrics],
}
