import { tables } from '../../platform/tables.ts'

/**
 * The one database of the monolith. Orders and notifications were taken out long ago; their tables are still here, as they are in every
 * system of this age, and nobody writes to them.
 */
export const MONOLITH_SCHEMA = tables(
  'monolith',
  ({ integer, strict }) =>
    `CREATE TABLE products (
       id TEXT PRIMARY KEY,
       name TEXT NOT NULL,
       description TEXT NOT NULL,
       category TEXT NOT NULL,
       brand TEXT,
       price_cents ${integer} NOT NULL CHECK (price_cents >= 0)
     ) ${strict};
     CREATE INDEX products_by_name ON products (name, id);
     CREATE TABLE customers (
       id TEXT PRIMARY KEY,
       name TEXT NOT NULL,
       email TEXT NOT NULL,
       credit_limit_cents ${integer} NOT NULL CHECK (credit_limit_cents >= 0),
       created_at_ms ${integer} NOT NULL
     ) ${strict};
     CREATE TABLE reviews (
       id TEXT PRIMARY KEY,
       product_id TEXT NOT NULL REFERENCES products (id),
       customer_id TEXT REFERENCES customers (id),
       author TEXT NOT NULL,
       rating ${integer} NOT NULL CHECK (rating BETWEEN 1 AND 5),
       comment TEXT NOT NULL,
       created_at_ms ${integer} NOT NULL
     ) ${strict};
     CREATE INDEX reviews_by_product ON reviews (product_id, created_at_ms DESC, id, rating);
     CREATE TABLE orders (
       id TEXT PRIMARY KEY,
       customer_id TEXT NOT NULL REFERENCES customers (id),
       status TEXT NOT NULL,
       total_cents ${integer} NOT NULL,
       created_at_ms ${integer} NOT NULL
     ) ${strict};
     CREATE TABLE order_lines (
       order_id TEXT NOT NULL REFERENCES orders (id),
       product_id TEXT NOT NULL REFERENCES products (id),
       quantity ${integer} NOT NULL,
       price_cents ${integer} NOT NULL,
       PRIMARY KEY (order_id, product_id)
     ) ${strict};
     CREATE TABLE notifications (
       id TEXT PRIMARY KEY,
       customer_id TEXT NOT NULL REFERENCES customers (id),
       subject TEXT NOT NULL,
       sent_at_ms ${integer}
     ) ${strict};`,
  // Who is forgotten keeps a row without name and address: others refer to it, and no import brings them back.
  ({ integer }) => `ALTER TABLE customers ADD COLUMN forgotten_at_ms ${integer}`,
)
