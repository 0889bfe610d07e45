import { tables } from '../../../platform/tables.ts'

/** The tables of notifications. */
export const NOTIFICATIONS_SCHEMA = tables(
  'notifications',
  ({ strict }) =>
    `CREATE TABLE recipients (
       customer_id TEXT PRIMARY KEY,
       name TEXT NOT NULL,
       email TEXT NOT NULL
     ) ${strict};`,
  // Addresses are asked of their owner since, when a letter is written.
  ({ strict }) =>
    `DROP TABLE recipients;
     CREATE TABLE letters (
       job_id TEXT PRIMARY KEY,
       customer_id TEXT NOT NULL
     ) ${strict};
     CREATE INDEX letters_by_customer ON letters (customer_id);
     CREATE TABLE forgotten (
       customer_id TEXT PRIMARY KEY
     ) ${strict};`,
)
