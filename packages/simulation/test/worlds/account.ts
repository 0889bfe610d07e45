import assert from 'node:assert/strict'
import { type Invariant, type System, client, invariant, node } from '@seaworthy/simulation'
import { type CallContext, RejectedError } from 'seaworthy/core'
import { commandHandler, decider, eventTypes } from 'seaworthy/event-sourcing'
import { projection, startProjection } from 'seaworthy/projections'
import { eventStoreSchema, projectionStoreSchema, sqliteEventStore, sqliteProjectionStore } from 'seaworthy/sqlite'

type Command = { readonly type: 'deposit' | 'withdraw'; readonly cents: number }
type Moved = { readonly type: 'moved'; readonly cents: number }
interface State {
  readonly balance: number
}

const account = decider<State, Command, Moved>({
  initial: () => ({ balance: 0 }),
  decide: ({ type, cents }, { balance }) => {
    if (type === 'withdraw' && cents > balance) throw new RejectedError('overdrawn', 'There is not so much in the account.')
    return [{ type: 'moved', cents: type === 'deposit' ? cents : -cents }]
  },
  evolve: ({ balance }, { cents }) => ({ balance: balance + cents }),
})

const balances = { component: 'balances', versions: ['CREATE TABLE balances (account TEXT PRIMARY KEY, cents INTEGER NOT NULL) STRICT'] }
const PUT = `INSERT INTO balances (account, cents) VALUES ('all', ?) ON CONFLICT (account) DO UPDATE SET cents = cents + excluded.cents`

/** An account as a stream of events, with snapshots and commands that may be repeated; and the sum of all accounts as a projection. */
export const accounts: System = {
  nodes: [
    node('bank', async ({ database, clock, random, newId, process }) => {
      const bank = await database({ schema: [eventStoreSchema, projectionStoreSchema, balances] })
      const store = sqliteEventStore(bank, { clock })
      const handler = commandHandler({
        decider: account,
        events: eventTypes<Moved>({ moved: { version: 1 } }),
        store,
        database: bank,
        schemaVersion: 1,
        snapshotEvery: 2,
        clock,
        random,
        newId,
      })
      const total = projection<{ moved: { cents: number } }>({
        name: 'total',
        version: 1,
        on: { moved: async (tx, { data }) => void (await tx.execute({ sql: PUT, params: [data.cents] })) },
      })
      startProjection({ projection: total, source: store, database: bank, store: sqliteProjectionStore(bank), clock, random })
      return {
        move: async ({ owner, command }: { owner: string; command: Command }, call: CallContext) => {
          const { state } = await handler.execute(owner, command, { commandId: call.idempotencyKey! })
          const loaded = await handler.load(owner)
          process.record({ kind: 'note', text: `balance of ${owner}`, data: { executed: state.balance, loaded: loaded.state.balance } })
          return state
        },
      }
    }),
  ],
  clients: ['ada', 'grace'].map((owner) =>
    client(owner, async ({ call }) => {
      for (const cents of [300, 200, 100]) await call('bank', 'move', { owner, command: { type: 'deposit', cents } })
      await call('bank', 'move', { owner, command: { type: 'withdraw', cents: 500 } })
      await call('bank', 'move', { owner, command: { type: 'withdraw', cents: 500 } }).catch(() => undefined)
    }),
  ),
}

export const moneyIsConserved: Invariant = invariant(
  'each command took effect once, and the projection is the sum of the events',
  (view) => {
    const moved = view.query<{ stream: string; cents: number }>(
      'bank',
      `SELECT stream, data ->> '$.cents' AS cents FROM seaworthy_events ORDER BY position`,
    )
    for (const owner of ['ada', 'grace']) {
      assert.deepEqual(
        moved.filter(({ stream }) => stream === owner).map(({ cents }) => cents),
        [300, 200, 100, -500],
      )
    }
    assert.deepEqual(view.query('bank', 'SELECT cents FROM balances'), [{ cents: 200 }])
  },
)

export const snapshotsChangeNothing: Invariant = invariant('what a snapshot gives is what the events give', (view) => {
  for (const { stream, version, state } of view.query<{ stream: string; version: number; state: string }>(
    'bank',
    'SELECT stream, version, state FROM seaworthy_snapshots',
  )) {
    const events = view.query<{ cents: number }>(
      'bank',
      `SELECT data ->> '$.cents' AS cents FROM seaworthy_events WHERE stream = ? AND version <= ?`,
      [stream, version],
    )
    assert.equal(
      (JSON.parse(state) as State).balance,
      events.reduce((sum, { cents }) => sum + cents, 0),
    )
  }
})
