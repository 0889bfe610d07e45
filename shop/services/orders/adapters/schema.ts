import type { SchemaComponent } from 'seaworthy/sqlite'

/** The tables of orders. */
export const ORDERS_SCHEMA: SchemaComponent = {
  component: 'orders',
  versions: [
    `CREATE TABLE orders (
       id TEXT PRIMARY KEY,
       customer_id TEXT NOT NULL,
       lines TEXT NOT NULL,
       total_cents INTEGER NOT NULL,
       status TEXT NOT NULL CHECK (status IN ('pending', 'completed', 'rejected')),
       reason TEXT,
       placed_at_ms INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE checkout_keys (
       key TEXT PRIMARY KEY,
       order_id TEXT NOT NULL REFERENCES orders (id),
       fingerprint TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;`,
    'CREATE INDEX orders_by_customer ON orders (customer_id, placed_at_ms, id)',
  ],
}
