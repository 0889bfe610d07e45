import { type Clock, RejectedError, UnavailableError, sleep } from 'seaworthy/core'
import { client, invariant, node, noDuplicateEffects, noLostEvents, noStaleWrites, violated } from '@seaworthy/simulation'
import type { SqliteDatabase } from 'seaworthy/sqlite'
import { type SimulatedWorld, named, tables } from './simulated-world.ts'

interface Write {
  readonly id: string
  readonly token: number
  readonly value: number
}

/** What the keeper of the lease and of what it guards answers to. */
type Store = {
  acquire(request: { readonly holder: string }): Promise<{ readonly token: number }>
  read(request: { readonly id: string }): Promise<{ readonly value: number; readonly known: boolean }>
  write(request: Write): Promise<void>
}

/** The part that a team can get wrong. */
export interface LeaseParts {
  /** Whether a write is refused that brings an older token than the lease's: its writer stood still while another took over. */
  readonly fencing?: boolean
}

const LEASE_MS = 10_000
const THINKING_MS = 150

/** Two writers take turns, by a lease, at reading a number and writing the next one. A writer that stands still outlives its lease. */
export function leaseWorld({ fencing = true }: LeaseParts = {}): SimulatedWorld {
  const writers = ['left', 'right']
  return {
    name: 'lease',
    chapter: 'messaging',
    system: {
      nodes: [
        node('store', async ({ database, clock }) => {
          const guarded = await database({
            schema: [
              tables(
                'guarded',
                `CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, token INTEGER NOT NULL, until_ms INTEGER NOT NULL) STRICT;
                CREATE TABLE writes (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, token INTEGER NOT NULL, value INTEGER NOT NULL) STRICT`,
              ),
            ],
          })
          return keeper(guarded, clock, fencing)
        }),
        ...writers.map((name) =>
          node(name, async ({ transport, clock }) => {
            const store = transport.client<Store>('store')
            return { increment: ({ id }: { id: string }) => increment(store, name, id, clock) }
          }),
        ),
      ],
      clients: writers.map((name) =>
        client(`user-of-${name}`, async ({ call }) => {
          for (const number of [1, 2]) await call(name, 'increment', { id: `${name}-${number}` }, { attemptTimeoutMs: 30_000 })
        }),
      ),
    },
    invariants: [
      invariant('no increment is lost', (view) => {
        const writes = view.query<{ id: string; value: number }>('store', 'SELECT id, value FROM writes ORDER BY n')
        noLostEvents({
          published: named(
            'Acknowledged increment',
            view.acknowledged.map(({ request }) => (request as { id: string }).id),
          ),
          handled: named(
            'Acknowledged increment',
            writes.map(({ id }) => id),
          ),
          by: 'store',
        })
        noDuplicateEffects({
          effects: named(
            'Value',
            writes.map(({ value }) => String(value)),
          ),
          at: 'store',
        })
        const last = writes.at(-1)?.value ?? 0
        if (last !== writes.length) violated(`After ${writes.length} increments the number is ${last}.`)
      }),
      invariant('one writer at a time holds the lease', (view) => {
        const tokens = view.query<{ token: number }>('store', 'SELECT token FROM writes ORDER BY n').map(({ token }) => token)
        noStaleWrites({ writes: tokens.map((token) => ({ lease: 'number', token, by: 'a writer' })) })
      }),
    ],
  }
}

function keeper(database: SqliteDatabase, clock: Clock, fencing: boolean): Store {
  return {
    acquire: ({ holder }) =>
      database.transaction(async (tx) => {
        const [lease] = await tx.query<{ holder: string; token: number; until_ms: number }>({
          sql: 'SELECT holder, token, until_ms FROM leases',
        })
        const nowMs = clock.now()
        if (lease !== undefined && lease.holder !== holder && lease.until_ms > nowMs) {
          throw new UnavailableError(`${lease.holder} has the lease.`, { retryAfterMs: lease.until_ms - nowMs })
        }
        const token = (lease?.token ?? 0) + 1
        const sql = `INSERT INTO leases (name, holder, token, until_ms) VALUES ('number', ?1, ?2, ?3)
          ON CONFLICT (name) DO UPDATE SET holder = ?1, token = ?2, until_ms = ?3`
        await tx.execute({ sql, params: [holder, token, nowMs + LEASE_MS] })
        return { token }
      }),
    async read({ id }) {
      const sql = 'SELECT (SELECT value FROM writes ORDER BY n DESC LIMIT 1) AS value, EXISTS (SELECT 1 FROM writes WHERE id = ?) AS known'
      const [row] = await database.query<{ value: number | null; known: number }>({ sql, params: [id] })
      return { value: row!.value ?? 0, known: row!.known === 1 }
    },
    write: ({ id, token, value }) =>
      database.transaction(async (tx) => {
        const [lease] = await tx.query<{ token: number }>({ sql: 'SELECT token FROM leases' })
        if (fencing && lease!.token !== token) throw new RejectedError('stale-token', `Token ${token} is not that of the lease.`)
        await tx.execute({ sql: 'INSERT OR IGNORE INTO writes (id, token, value) VALUES (?, ?, ?)', params: [id, token, value] })
        // Given back with the write, so that the other need not wait for its end.
        await tx.execute({ sql: 'UPDATE leases SET until_ms = 0 WHERE token = ?', params: [token] })
      }),
  }
}

async function increment(store: Store, holder: string, id: string, clock: Clock): Promise<void> {
  for (;;) {
    try {
      const { token } = await store.acquire({ holder })
      const { value, known } = await store.read({ id })
      if (known) return
      await sleep(clock, THINKING_MS)
      await store.write({ id, token, value: value + 1 })
      return
    } catch (error) {
      if (error instanceof RejectedError || error instanceof UnavailableError) await sleep(clock, 200)
      else throw error
    }
  }
}
