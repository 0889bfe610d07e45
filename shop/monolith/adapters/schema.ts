import type { SchemaComponent } from 'seaworthy/sqlite'

/**
 * The one database of the monolith. Orders and notifications were taken out long ago; their tables are still here, as they are in every
 * system of this age, and nobody writes to them.
 */
export const MONOLITH_SCHEMA: SchemaComponent = {
  component: 'monolith',
  versions: [
    `CREATE TABLE products (
       id TEXT PRIMARY KEY,
       name TEXT NOT NULL,
       description TEXT NOT NULL,
       category TEXT NOT NULL,
       brand TEXT,
       price_cents INTEGER NOT NULL CHECK (price_cents >= 0)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX products_by_name ON products (name, id);
     CREATE TABLE customers (
       id TEXT PRIMARY KEY,
       name TEXT NOT NULL,
       email TEXT NOT NULL,
       credit_limit_cents INTEGER NOT NULL CHECK (credit_limit_cents >= 0),
       created_at_ms INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE reviews (
       id TEXT PRIMARY KEY,
       product_id TEXT NOT NULL REFERENCES products (id),
       customer_id TEXT REFERENCES customers (id),
       author TEXT NOT NULL,
       rating INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
       comment TEXT NOT NULL,
       created_at_ms INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX reviews_by_product ON reviews (product_id, created_at_ms DESC, id, rating);
     CREATE TABLE orders (
       id TEXT PRIMARY KEY,
       customer_id TEXT NOT NULL REFERENCES customers (id),
       status TEXT NOT NULL,
       total_cents INTEGER NOT NULL,
       created_at_ms INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE order_lines (
       order_id TEXT NOT NULL REFERENCES orders (id),
       product_id TEXT NOT NULL REFERENCES products (id),
       quantity INTEGER NOT NULL,
       price_cents INTEGER NOT NULL,
       PRIMARY KEY (order_id, product_id)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE notifications (
       id TEXT PRIMARY KEY,
       customer_id TEXT NOT NULL REFERENCES customers (id),
       subject TEXT NOT NULL,
       sent_at_ms INTEGER
     ) STRICT, WITHOUT ROWID;`,
  ],
}
