import { tables } from '../../../platform/tables.ts'

/** The tables of analytics. */
export const ANALYTICS_SCHEMA = tables(
  'analytics',
  ({ integer, strict }) =>
    `CREATE TABLE counters (
       counter TEXT PRIMARY KEY,
       value ${integer} NOT NULL
     ) ${strict};
     CREATE TABLE product_sales (
       product_id TEXT PRIMARY KEY,
       name TEXT NOT NULL,
       quantity ${integer} NOT NULL,
       revenue_cents ${integer} NOT NULL
     ) ${strict};
     CREATE INDEX product_sales_by_revenue ON product_sales (revenue_cents DESC, product_id);`,
)
