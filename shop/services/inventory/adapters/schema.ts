import { tables } from '../../../platform/tables.ts'

/** The tables of inventory. */
export const INVENTORY_SCHEMA = tables(
  'inventory',
  ({ integer, strict }) =>
    `CREATE TABLE stock (
       product_id TEXT PRIMARY KEY,
       on_hand ${integer} NOT NULL CHECK (on_hand >= 0),
       reserved ${integer} NOT NULL CHECK (reserved >= 0),
       shipped ${integer} NOT NULL CHECK (shipped >= 0)
     ) ${strict};
     CREATE TABLE reservations (
       id TEXT PRIMARY KEY,
       order_id TEXT NOT NULL,
       lines TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('held', 'shipped', 'released'))
     ) ${strict};
     CREATE INDEX reservations_by_order ON reservations (order_id);`,
)
