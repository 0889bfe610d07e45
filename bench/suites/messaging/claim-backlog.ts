import { migrate, openPostgresDatabase, outboxStoreSchema, postgresOutboxStore } from '@seaworthy/postgres'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Contender, Metric } from '../../harness/suite.ts'
import { TOPIC } from './order.ts'

const module = import.meta.url
const KEYS = 5_000
const CLAIM = 100
// As the SQL function for other languages adds them, in one statement: what a service that was down for a while left behind.
const FILL = `SELECT count(seaworthy_outbox_add('${TOPIC}', 'customer-' || (n % ${KEYS}), 'order.placed', 1, '{"totalCents":4900}'::json))
  FROM generate_series(1, $1::int) AS n`

/** Milliseconds that a relay waits for its next messages while so many wait. */
async function claiming(backlog: number, quick: boolean) {
  const server = await startPostgres()
  const { url } = await server.createDatabase()
  const database = await openPostgresDatabase({ connection: url, transactionTimeoutMs: 120_000 })
  await migrate(database, [outboxStoreSchema])
  await database.transaction(async (tx) => void (await tx.query({ sql: FILL, params: [backlog] })), { timeoutMs: 120_000 })
  const store = postgresOutboxStore(database)
  const times = quick ? 20 : 200
  return async () => {
    const startedMs = performance.now()
    for (let claim = 0; claim < times; claim++) {
      await store.topics()
      const entries = await store.unsent(TOPIC, CLAIM)
      if (entries.length !== CLAIM) throw new Error(`Of ${backlog} messages, ${entries.length} were handed out.`)
    }
    return (performance.now() - startedMs) / times
  }
}

export const claimOfMany: Contender = ({ quick }) => claiming(50_000, quick)
export const claimOfFew: Contender = ({ quick }) => claiming(1_000, quick)

export const claimBacklogMetrics: readonly Metric[] = [
  {
    name: 'claim-backlog',
    unit: 'ms to look for topics and take the next 100 messages',
    better: 'lower',
    peer: 'the same with 1,000 waiting',
    target: { ratioMax: 2 },
    note: `50,000 messages of ${KEYS.toLocaleString('en')} keys wait.`,
    contenders: { ours: { module, name: 'claimOfMany' }, peer: { module, name: 'claimOfFew' } },
  },
]
