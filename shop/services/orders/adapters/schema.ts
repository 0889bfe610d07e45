import { tables } from '../../../platform/tables.ts'

/** The tables of orders. */
export const ORDERS_SCHEMA = tables(
  'orders',
  ({ integer, strict }) =>
    `CREATE TABLE orders (
       id TEXT PRIMARY KEY,
       customer_id TEXT NOT NULL,
       lines TEXT NOT NULL,
       total_cents ${integer} NOT NULL,
       status TEXT NOT NULL CHECK (status IN ('pending', 'completed', 'rejected')),
       reason TEXT,
       placed_at_ms ${integer} NOT NULL
     ) ${strict};
     CREATE TABLE checkout_keys (
       key TEXT PRIMARY KEY,
       order_id TEXT NOT NULL REFERENCES orders (id),
       fingerprint TEXT NOT NULL
     ) ${strict};`,
  () => 'CREATE INDEX orders_by_customer ON orders (customer_id, placed_at_ms, id)',
)
