import { eventStoreSchema, migrate, openPostgresDatabase, postgresEventStore } from '@seaworthy/postgres'
import { commandHandler } from 'seaworthy/event-sourcing'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Contender, Metric } from '../../harness/suite.ts'
import { perSecond } from '../messaging/order.ts'
import { MANY } from './append-postgres.ts'
import { balance, moved, movedEvents } from './events.ts'

const module = import.meta.url
// So many that no two callers meet in one, and none becomes long.
const STREAMS = 4 * MANY

/** Commands against streams in turn: loaded, decided, appended. The peer does it in a transaction for each, as whoever writes more than events has to. */
const commands =
  (callers: number, way: 'execute' | 'in a transaction'): Contender =>
  async ({ quick }) => {
    const server = await startPostgres({ fsync: true })
    const { url } = await server.createDatabase()
    const database = await openPostgresDatabase({ connection: url, transactionsMax: callers })
    await migrate(database, [eventStoreSchema])
    const store = postgresEventStore(database)
    const accounts = commandHandler({ decider: balance, events: movedEvents, store, database, schemaVersion: 1 })
    const command = (stream: string) =>
      way === 'execute' ? accounts.execute(stream, moved(1)) : database.transaction((tx) => accounts.executeIn(tx, stream, moved(1)))
    let rounds = 0
    return () => {
      rounds++
      const idle = Array.from({ length: STREAMS }, (_, number) => `account-${rounds}-${number}`)
      return perSecond((quick ? 100 : 1_500) * (callers === 1 ? 1 : 3), callers, async () => {
        const own = idle.shift()!
        await command(own)
        idle.push(own)
      })
    }
  }

export const ours1 = commands(1, 'execute')
export const inTransactions1 = commands(1, 'in a transaction')
export const oursMany = commands(MANY, 'execute')
export const inTransactionsMany = commands(MANY, 'in a transaction')

const metric = (callers: 1 | typeof MANY, names: { readonly ours: string; readonly peer: string }): Metric => ({
  name: `append-postgres-command-${callers === 1 ? '1' : 'many'}`,
  unit: 'commands per second',
  better: 'higher',
  peer: 'the same commands, each in a transaction of its own',
  target: { ratioMin: 1 },
  note: `${callers === 1 ? 'One caller' : `${callers} callers`}, one event for each command, PostgreSQL with fsync on. Streams of a few dozen events, no snapshots.`,
  contenders: { ours: { module, name: names.ours }, peer: { module, name: names.peer } },
})

export const commandsPostgresMetrics: readonly Metric[] = [
  metric(1, { ours: 'ours1', peer: 'inTransactions1' }),
  metric(MANY, { ours: 'oursMany', peer: 'inTransactionsMany' }),
]
