import type { Suite } from '../../harness/suite.ts'
import { appendPostgresMetrics } from './append-postgres.ts'
import { appendSqliteMetrics } from './append-sqlite.ts'
import { claimBacklogMetrics } from './claim-backlog.ts'
import { crashMetrics } from './crashes.ts'
import { embeddedLogMetrics } from './embedded-log/embedded-log.ts'
import { kafkaThroughputMetrics } from './kafka-throughput.ts'
import { relayLatencyMetrics } from './relay-latency.ts'
import { relayThroughputPgtoMetrics } from './relay-throughput-pgto.ts'
import { relayThroughputMetrics } from './relay-throughput.ts'

export const suite: Suite = {
  name: 'messaging',
  metrics: [
    ...appendSqliteMetrics,
    ...appendPostgresMetrics,
    ...claimBacklogMetrics,
    ...relayThroughputMetrics,
    ...relayThroughputPgtoMetrics,
    ...relayLatencyMetrics,
    ...embeddedLogMetrics,
    ...kafkaThroughputMetrics,
    ...crashMetrics,
  ],
}
