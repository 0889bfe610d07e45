import { tables } from '../../../platform/tables.ts'

/** The tables of reviews. */
export const REVIEWS_SCHEMA = tables(
  'reviews',
  ({ integer, strict }) =>
    `CREATE TABLE reviews (
       id TEXT PRIMARY KEY,
       product_id TEXT NOT NULL,
       customer_id TEXT,
       author TEXT NOT NULL,
       rating ${integer} NOT NULL CHECK (rating BETWEEN 1 AND 5),
       comment TEXT NOT NULL,
       written_at_ms ${integer} NOT NULL
     ) ${strict};
     CREATE INDEX reviews_by_product ON reviews (product_id, written_at_ms DESC, id);`,
)
