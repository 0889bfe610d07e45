import { tables } from '../../../platform/tables.ts'

/** The tables of shipping. */
export const SHIPPING_SCHEMA = tables(
  'shipping',
  ({ strict }) =>
    `CREATE TABLE shipments (
       id TEXT PRIMARY KEY,
       order_id TEXT NOT NULL,
       customer_id TEXT NOT NULL,
       lines TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('booked', 'cancelled'))
     ) ${strict};
     CREATE INDEX shipments_by_order ON shipments (order_id);`,
)
