import assert from 'node:assert/strict'
import type { Transaction } from 'seaworthy/core'
import { type NodePorts, client, conserved, invariant, monotoneProjection, node, violated } from '@seaworthy/simulation'
import { type EventStore, commandHandler, decider } from 'seaworthy/event-sourcing'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type Projection, projection, startProjection } from 'seaworthy/projections'
import { type SqliteDatabase, eventStoreSchema, projectionStoreSchema, sqliteEventStore, sqliteProjectionStore } from 'seaworthy/sqlite'
import { type AccountCommand, type AccountEvent, accountEvents } from './accounts.ts'
import { type SimulatedWorld, tables } from './simulated-world.ts'

// Credit is unlimited here: every command becomes an event.
const account = decider<null, AccountCommand, AccountEvent>({
  initial: () => null,
  decide: ({ type, cents }) => [{ type: type === 'deposit' ? 'deposited' : 'withdrawn', cents }],
  evolve: () => null,
})

const APPLY = `INSERT INTO statements (account, cents, events) VALUES (?1, ?2, 1)
  ON CONFLICT (account) DO UPDATE SET cents = cents + ?2, events = events + 1`
// One line for each event, with its number in its stream: what a checker reads.
const LINE = 'INSERT INTO lines (account, version) VALUES (?, ?)'

async function apply(tx: Transaction, { key, sequence }: EventEnvelope, cents: number): Promise<void> {
  await tx.execute({ sql: APPLY, params: [key, cents] })
  await tx.execute({ sql: LINE, params: [key, sequence] })
}

const statements = projection<{ deposited: { cents: number }; withdrawn: { cents: number } }>({
  name: 'statements',
  version: 1,
  on: {
    deposited: (tx, event) => apply(tx, event, event.data.cents),
    withdrawn: (tx, event) => apply(tx, event, -event.data.cents),
  },
  async reset(tx) {
    await tx.execute({ sql: 'DELETE FROM statements' })
    await tx.execute({ sql: 'DELETE FROM lines' })
  },
})

/** The part of the read side that a team can get wrong. */
export interface StatementParts {
  /** Keeps the read model up to date. */
  readonly running?: (ports: NodePorts, projection: Projection, source: EventStore, views: SqliteDatabase) => void | (() => Promise<void>)
}

const asTheLibraryDoes: NonNullable<StatementParts['running']> = (_, projection, source, database) => {
  const running = startProjection({ projection, source, database, store: sqliteProjectionStore(database), batchSizeMax: 3 })
  return () => running.rebuild()
}

export interface StatementWorkload {
  readonly accounts: readonly string[]
  readonly commandsPerAccount: number
  /** Whether the read model is emptied and built again while commands come in. */
  readonly rebuild: boolean
}

const WORKLOAD: StatementWorkload = { accounts: ['ada', 'grace'], commandsPerAccount: 3, rebuild: true }

/** Accounts as streams of events, and statements of them as a read model in a database of its own. */
export function statementsWorld(
  { running = asTheLibraryDoes }: StatementParts = {},
  workload: StatementWorkload = WORKLOAD,
): SimulatedWorld {
  const { accounts, commandsPerAccount } = workload
  return {
    name: 'statements',
    chapter: 'projections',
    system: {
      nodes: [
        node('bank', async (ports) => {
          const events = await ports.database({ schema: [eventStoreSchema] })
          const views = await ports.database({
            name: 'views',
            schema: [
              tables(
                'statements',
                `CREATE TABLE statements (account TEXT PRIMARY KEY, cents INTEGER NOT NULL, events INTEGER NOT NULL) STRICT;
                CREATE TABLE lines (n INTEGER PRIMARY KEY, account TEXT NOT NULL, version INTEGER NOT NULL) STRICT`,
              ),
              projectionStoreSchema,
            ],
          })
          const store = sqliteEventStore(events)
          const handler = commandHandler({ decider: account, events: accountEvents, store, database: events, schemaVersion: 1 })
          const rebuild = running(ports, statements, store, views)
          return {
            execute: ({ of, ...command }: AccountCommand & { of: string }, { idempotencyKey }) =>
              handler.execute(of, command, { commandId: idempotencyKey! }),
            rebuild: async () => rebuild?.(),
          }
        }),
      ],
      clients: [
        ...accounts.map((name) =>
          client(name, async ({ call }) => {
            for (let number = 1; number <= commandsPerAccount; number++) {
              await call('bank', 'execute', { of: name, type: number % 2 === 1 ? 'deposit' : 'withdraw', cents: number * 10 })
            }
          }),
        ),
        ...(workload.rebuild
          ? [
              client('operator', async ({ call, sleep }) => {
                await sleep(30)
                await call('bank', 'rebuild', {})
              }),
            ]
          : []),
      ],
    },
    invariants: [
      invariant('whoever asked was told that it was done', (view) =>
        assert.equal(view.acknowledged.length, accounts.length * commandsPerAccount + (workload.rebuild ? 1 : 0)),
      ),
      invariant('the read model knows every event, and each once', (view) => {
        const events = view.query<{ account: string; cents: number; events: number }>(
          'bank',
          `SELECT stream AS account, count(*) AS events, sum(iif(type = 'deposited', 1, -1) * json_extract(data, '$.cents')) AS cents
            FROM seaworthy_events GROUP BY stream`,
        )
        for (const { account: name, cents, events: count } of events) {
          const [line] = view.query<{ cents: number; events: number }>('views', 'SELECT cents, events FROM statements WHERE account = ?', [
            name,
          ])
          if (line === undefined) violated(`Account ${name} has ${count} events and no statement.`)
          assert.equal(line.events, count)
          conserved(`Cents in the statement of ${name}`, { total: cents, places: { statement: line.cents }, mayOwe: ['statement'] })
        }
      }),
      invariant('the read model sees the events of a stream in their order', (view) => {
        for (const name of accounts) {
          const lines = view.query<{ version: number }>('views', 'SELECT version FROM lines WHERE account = ? ORDER BY n', [name])
          monotoneProjection({ projection: 'statements', readings: lines.map(({ version }) => ({ key: name, version })) })
        }
      }),
      invariant('the checkpoint is at the head', (view) => {
        const [head] = view.query<{ position: number }>('bank', 'SELECT max(position) AS position FROM seaworthy_events')
        const [checkpoint] = view.query<{ position: number }>('views', 'SELECT checkpoint AS position FROM seaworthy_projections')
        assert.equal(checkpoint!.position, head!.position)
      }),
    ],
  }
}
