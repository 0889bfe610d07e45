import { tables } from '../../../platform/tables.ts'

/** The read model: one row per order, as the customer's page shows it, so that reading is one range of one index. */
export const ORDER_HISTORY_SCHEMA = tables(
  'order-history',
  ({ integer, strict }) =>
    `CREATE TABLE order_history (
       customer_id TEXT NOT NULL,
       placed_at_ms ${integer} NOT NULL,
       order_id TEXT NOT NULL,
       status TEXT NOT NULL,
       reason TEXT,
       total_cents ${integer} NOT NULL,
       lines TEXT NOT NULL,
       updated_at_ms ${integer} NOT NULL,
       PRIMARY KEY (customer_id, placed_at_ms, order_id)
     ) ${strict};
     CREATE UNIQUE INDEX order_history_by_order ON order_history (order_id);`,
)
