import type { SchemaComponent } from 'seaworthy/sqlite'

/** The tables of inventory. */
export const INVENTORY_SCHEMA: SchemaComponent = {
  component: 'inventory',
  versions: [
    `CREATE TABLE stock (
       product_id TEXT PRIMARY KEY,
       on_hand INTEGER NOT NULL CHECK (on_hand >= 0),
       reserved INTEGER NOT NULL CHECK (reserved >= 0),
       shipped INTEGER NOT NULL CHECK (shipped >= 0)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE reservations (
       id TEXT PRIMARY KEY,
       order_id TEXT NOT NULL,
       lines TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('held', 'shipped', 'released'))
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX reservations_by_order ON reservations (order_id);`,
  ],
}
