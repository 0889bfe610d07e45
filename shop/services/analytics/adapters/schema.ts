import type { SchemaComponent } from 'seaworthy/sqlite'

/** The tables of analytics. */
export const ANALYTICS_SCHEMA: SchemaComponent = {
  component: 'analytics',
  versions: [
    `CREATE TABLE counters (
       counter TEXT PRIMARY KEY,
       value INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE product_sales (
       product_id TEXT PRIMARY KEY,
       name TEXT NOT NULL,
       quantity INTEGER NOT NULL,
       revenue_cents INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX product_sales_by_revenue ON product_sales (revenue_cents DESC, product_id);`,
  ],
}
