import { tables } from '../../../platform/tables.ts'

/** The tables of the catalog. Ratings are of reviews, and stand here as far as a product shows them. */
export const CATALOG_SCHEMA = tables(
  'catalog',
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
     CREATE TABLE ratings (
       review_id TEXT PRIMARY KEY,
       product_id TEXT NOT NULL,
       rating ${integer} NOT NULL CHECK (rating BETWEEN 1 AND 5)
     ) ${strict};
     CREATE INDEX ratings_by_product ON ratings (product_id, rating);`,
)
