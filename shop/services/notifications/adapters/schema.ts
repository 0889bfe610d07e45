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
)
