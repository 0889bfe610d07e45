import { RejectedError } from 'seaworthy/core'
import { type NodePorts, client, invariant, node, noDuplicateEffects, violated } from '@seaworthy/simulation'
import { type Decider, type EventStore, commandHandler, eventTypes } from 'seaworthy/event-sourcing'
import { eventStoreSchema, sqliteEventStore } from 'seaworthy/sqlite'
import { type SimulatedWorld, named } from './simulated-world.ts'

export type AccountEvent = { readonly type: 'deposited'; readonly cents: number } | { readonly type: 'withdrawn'; readonly cents: number }
export type AccountCommand = { readonly type: 'deposit'; readonly cents: number } | { readonly type: 'withdraw'; readonly cents: number }

export const accountEvents = eventTypes<AccountEvent>({ deposited: { version: 1 }, withdrawn: { version: 1 } })

/** A decider whose state has a shape that `read` and `write` know. */
function accountOf<State>(
  initial: () => State,
  read: (state: State) => number,
  write: (cents: number) => State,
): Decider<State, AccountCommand, AccountEvent> {
  return {
    initial,
    decide(command, state) {
      if (command.type === 'deposit') return [{ type: 'deposited', cents: command.cents }]
      if (command.cents > read(state)) throw new RejectedError('overdrawn', `${command.cents} cents are more than the account holds.`)
      return [{ type: 'withdrawn', cents: command.cents }]
    },
    evolve: (state, { type, cents }) => write(type === 'deposited' ? read(state) + cents : read(state) - cents),
  }
}

// Two releases of one service: the second keeps cents where the first kept whole euros and the rest.
const first = accountOf<{ euros: number; rest: number }>(
  () => ({ euros: 0, rest: 0 }),
  ({ euros, rest }) => euros * 100 + rest,
  (cents) => ({ euros: Math.floor(cents / 100), rest: cents % 100 }),
)
const second = accountOf<{ cents: number }>(
  () => ({ cents: 0 }),
  ({ cents }) => cents,
  (cents) => ({ cents }),
)

type Execute = (stream: string, command: AccountCommand, commandId: string) => Promise<unknown>

/** The part of the service that a team can get wrong. */
export interface AccountParts {
  /** The store that release `schemaVersion` works on. */
  readonly storing?: (store: EventStore, schemaVersion: number) => EventStore
}

/** Commands, and whether each is refused. */
const COMMANDS: readonly (AccountCommand & { readonly refused?: true })[] = [
  { type: 'deposit', cents: 250 },
  { type: 'withdraw', cents: 120 },
  { type: 'withdraw', cents: 200, refused: true },
  { type: 'deposit', cents: 90 },
  { type: 'withdraw', cents: 200 },
  { type: 'withdraw', cents: 40, refused: true },
]

/** An account as a stream of events, with snapshots, under two releases of its service that replace each other at every restart. */
export function accountsWorld({ storing = (store) => store }: AccountParts = {}): SimulatedWorld {
  return {
    name: 'accounts',
    chapter: 'event-sourcing',
    system: {
      nodes: [
        node('bank', async ({ database, process }: NodePorts) => {
          const accounts = await database({ schema: [eventStoreSchema] })
          const schemaVersion = process.number % 2 === 1 ? 2 : 1
          const store = storing(sqliteEventStore(accounts), schemaVersion)
          const options = { events: accountEvents, store, database: accounts, schemaVersion, snapshotEvery: 2 }
          const execute: Execute =
            schemaVersion === 1
              ? (stream, command, commandId) => commandHandler({ ...options, decider: first }).execute(stream, command, { commandId })
              : (stream, command, commandId) => commandHandler({ ...options, decider: second }).execute(stream, command, { commandId })
          return {
            execute: (command: AccountCommand, { idempotencyKey }) => execute('joint', command, idempotencyKey!),
          }
        }),
      ],
      clients: [
        client('owner', async ({ call, note }) => {
          for (const { refused = false, ...command } of COMMANDS) {
            try {
              await call('bank', 'execute', command)
              if (refused) note(MISJUDGED, command)
            } catch (error) {
              if (!(error instanceof RejectedError)) throw error
              if (!refused) note(MISJUDGED, command)
            }
          }
        }),
      ],
    },
    invariants: [
      invariant('every command is judged by all that happened before it', (view) => {
        const misjudged = view.history.find((entry) => entry.kind === 'note' && entry.text === MISJUDGED)
        if (misjudged !== undefined) violated(`Accepted or refused against the account's history: ${JSON.stringify(misjudged)}`)
      }),
      invariant('the stream holds each accepted command once, in order', (view) => {
        const events = view.query<{ id: string; type: string; cents: number }>(
          'bank',
          `SELECT id, type, json_extract(data, '$.cents') AS cents FROM seaworthy_events WHERE stream = 'joint' ORDER BY version`,
        )
        noDuplicateEffects({
          effects: named(
            'Event',
            events.map(({ id }) => id),
          ),
          at: 'bank',
        })
        const found = events.map(({ type, cents }) => `${type} ${cents}`).join(', ')
        const expected = COMMANDS.filter(({ refused }) => refused !== true)
          .map(({ type, cents }) => `${type === 'deposit' ? 'deposited' : 'withdrawn'} ${cents}`)
          .join(', ')
        if (found !== expected) violated(`The stream is ${found}, and should be ${expected}.`)
      }),
    ],
  }
}

const MISJUDGED = 'a command was misjudged'
