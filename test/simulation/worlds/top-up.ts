import { RejectedError, TimeoutError, exponential, rootContext } from 'seaworthy/core'
import {
  type NodePorts,
  client,
  FAULT_KINDS,
  invariant,
  node,
  noDuplicateEffects,
  noLostEvents,
  noPhantomEvents,
  violated,
} from '@seaworthy/simulation'
import { policy } from 'seaworthy/resilience'
import { type SimulatedWorld, named, tables } from './simulated-world.ts'

interface TopUp {
  readonly id: string
  readonly cents: number
}

/** How long the caller waits, as it told its own caller. */
export const TOTAL_MS = 5_000
const GAVE_UP = 'gave up for want of time'

/** The part of the caller that a team can get wrong. */
export interface TopUpParts {
  /** Calls the provider, which honours no key: what was asked twice is done twice. */
  readonly calling?: (ports: NodePorts) => (topUp: TopUp) => Promise<unknown>
}

const byPolicy: NonNullable<TopUpParts['calling']> = ({ transport }) => {
  const provider = policy(
    { timeout: { totalMs: TOTAL_MS }, retry: { attemptsMax: 3, backoff: exponential({ baseMs: 50, maxMs: 500 }) } },
    { name: 'provider' },
  )
  return (topUp) => provider.run((call) => transport.call('provider', 'topUp', topUp, call), rootContext())
}

/** A service that calls a provider which can do no more than answer: no key, no memory of what it did. */
export function topUpWorld({ calling = byPolicy }: TopUpParts = {}): SimulatedWorld {
  return {
    name: 'top-up',
    chapter: 'resilience',
    // One request over one connection is not doubled on its way, nor does it overtake another: what is done twice was asked twice.
    faults: FAULT_KINDS.filter((kind) => kind !== 'duplicate'),
    system: {
      nodes: [
        node('phones', async (ports) => {
          const topUp = calling(ports)
          return {
            async topUp(request: TopUp) {
              try {
                await topUp(request)
              } catch (error) {
                if (error instanceof TimeoutError) ports.note(GAVE_UP, request.id)
                throw error
              }
            },
          }
        }),
        node('provider', async ({ database, clock }) => {
          const accounts = await database({
            schema: [tables('top-ups', 'CREATE TABLE top_ups (n INTEGER PRIMARY KEY, id TEXT NOT NULL, cents INTEGER NOT NULL) STRICT')],
          })
          return {
            async topUp({ id, cents }: TopUp) {
              if (cents <= 0) throw new RejectedError('nothing-to-top-up', 'No cents were given.')
              await new Promise<void>((resolve) => clock.timer(400, resolve))
              await accounts.atomically([{ sql: 'INSERT INTO top_ups (id, cents) VALUES (?, ?)', params: [id, cents] }])
            },
          }
        }),
      ],
      clients: [
        client('ada', async ({ call }) => {
          for (const id of ['first', 'second', 'third']) {
            // Whoever asks gets an answer or none, and does not ask again.
            const once = { key: null, attemptsMax: 1, attemptTimeoutMs: 120_000 } as const
            await call('phones', 'topUp', { id, cents: 500 }, once).catch(() => undefined)
          }
        }),
      ],
    },
    invariants: [
      invariant('no phone is topped up twice', (view) => {
        const done = view.query<{ id: string }>('provider', 'SELECT id FROM top_ups').map(({ id }) => id)
        noDuplicateEffects({ effects: named('Top-up', done), at: 'provider' })
        noPhantomEvents({ published: named('Top-up', ['first', 'second', 'third']), handled: named('Top-up', done), by: 'provider' })
        noLostEvents({
          published: named(
            'Acknowledged top-up',
            view.acknowledged.map(({ request }) => (request as TopUp).id),
          ),
          handled: named('Acknowledged top-up', done),
          by: 'provider',
        })
      }),
      invariant('whoever gives up for want of time has waited that long', (view) => {
        const askedAtMs = new Map<string, number>()
        for (const entry of view.history) {
          if (entry.kind === 'request' && entry.node === 'ada') askedAtMs.set((entry.request as TopUp).id, entry.atMs)
          if (entry.kind !== 'note' || entry.text !== GAVE_UP) continue
          const waitedMs = entry.atMs - askedAtMs.get(entry.data as string)!
          if (waitedMs < TOTAL_MS) violated(`Top-up ${String(entry.data)} was given up after ${Math.round(waitedMs)} ms of ${TOTAL_MS}.`)
        }
      }),
    ],
  }
}
