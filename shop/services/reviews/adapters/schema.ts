import { tables } from '../../../platform/tables.ts'

/**
 * The tables of reviews. A review that came with data from elsewhere has not been told to anybody yet. A reviewer is whoever wrote as a customer, or was forgotten:
 * their row is what both lock, so that no review in flight brings a name back.
 */
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
       written_at_ms ${integer} NOT NULL,
       told ${integer} NOT NULL DEFAULT 0
     ) ${strict};
     CREATE INDEX reviews_by_product ON reviews (product_id, written_at_ms DESC, id);
     CREATE INDEX reviews_untold ON reviews (id) WHERE told = 0;`,
  ({ integer, strict }) =>
    `CREATE TABLE reviewers (
       customer_id TEXT PRIMARY KEY,
       forgotten ${integer} NOT NULL
     ) ${strict};`,
)
