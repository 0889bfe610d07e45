import type { Lease, LeaseStore, Transaction } from 'seaworthy/core'
import type { PostgresDatabase } from './database.ts'
import { librarySchema } from './migrate.ts'
import { prepared } from './prepared.ts'
import { numberArray, textArray } from './values.ts'

/** Tables of {@link postgresLeaseStore}. */
export const leaseStoreSchema = librarySchema('seaworthy.leases', 1)

// Primary key of seaworthy_leases. The rows are locked one after another in the order of $1, which is the same for all callers.
const ACQUIRE = prepared(`INSERT INTO seaworthy_leases AS l (name, holder, token, expires_at_ms)
  SELECT n.name, $2, nextval('seaworthy_lease_tokens'), seaworthy_now_ms() + $3::bigint
  FROM unnest($1::text[]) WITH ORDINALITY AS n (name, place) ORDER BY n.place
  ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at_ms = excluded.expires_at_ms,
    token = CASE WHEN l.expires_at_ms > seaworthy_now_ms() THEN l.token ELSE greatest(excluded.token, l.token + 1) END
  WHERE l.holder = excluded.holder OR l.expires_at_ms <= seaworthy_now_ms()
  RETURNING name, holder, token`)
// The whole table: a few rows for each process. Those of processes that died long ago, and that nobody took over, go.
const FORGET = `DELETE FROM seaworthy_leases WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM seaworthy_leases WHERE expires_at_ms < seaworthy_now_ms() - 3600000 FOR UPDATE SKIP LOCKED))`
// Primary key of seaworthy_leases.
const RELEASE = `DELETE FROM seaworthy_leases l USING unnest($1::text[], $2::bigint[]) AS r (name, token)
  WHERE l.name = r.name AND l.token = r.token`
const SELECT_HELD = `SELECT name, holder, token FROM seaworthy_leases
  WHERE starts_with(name, $1) AND expires_at_ms > seaworthy_now_ms() ORDER BY name COLLATE "C"` // the whole table
// Primary key of seaworthy_leases. Whoever would take it over waits for the row.
const FENCE = `SELECT FROM seaworthy_leases WHERE name = $1 AND token = $2 AND expires_at_ms > seaworthy_now_ms() FOR SHARE`

/** Leases in a PostgreSQL database, on its server's clock. A server's clock that is set moves their ends. */
export function postgresLeaseStore(database: PostgresDatabase): LeaseStore {
  return {
    acquire: (names, holder, ttlMs) =>
      database.transaction(async (tx) => {
        const [leases] = await Promise.all([
          tx.query<Lease>({ sql: ACQUIRE, params: [textArray([...new Set(names)].toSorted()), holder, Math.ceil(ttlMs)] }),
          tx.execute({ sql: FORGET }),
        ])
        return leases
      }),
    async release(leases) {
      if (leases.length === 0) return
      const ordered = leases.toSorted((one, other) => (one.name < other.name ? -1 : 1))
      const params = [textArray(ordered.map(({ name }) => name)), numberArray(ordered.map(({ token }) => token))]
      await database.atomically([{ sql: RELEASE, params }])
    },
    held: (prefix) => database.query<Lease>({ sql: SELECT_HELD, params: [prefix] }),
    async fence(tx: Transaction, lease: Lease) {
      const { rowCount } = await tx.execute({ sql: FENCE, params: [lease.name, lease.token] })
      return rowCount === 1
    },
  }
}
