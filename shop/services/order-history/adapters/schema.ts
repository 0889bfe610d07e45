import type { SchemaComponent } from 'seaworthy/sqlite'

/** The read model: one row per order, as the customer's page shows it, so that reading is one range of one index. */
export const ORDER_HISTORY_SCHEMA: SchemaComponent = {
  component: 'order-history',
  versions: [
    `CREATE TABLE order_history (
       customer_id TEXT NOT NULL,
       placed_at_ms INTEGER NOT NULL,
       order_id TEXT NOT NULL,
       status TEXT NOT NULL,
       reason TEXT,
       total_cents INTEGER NOT NULL,
       lines TEXT NOT NULL,
       updated_at_ms INTEGER NOT NULL,
       PRIMARY KEY (customer_id, placed_at_ms, order_id)
     ) STRICT, WITHOUT ROWID;
     CREATE UNIQUE INDEX order_history_by_order ON order_history (order_id);`,
  ],
}
