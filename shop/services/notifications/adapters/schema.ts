import type { SchemaComponent } from 'seaworthy/sqlite'

/** The tables of notifications. */
export const NOTIFICATIONS_SCHEMA: SchemaComponent = {
  component: 'notifications',
  versions: [
    `CREATE TABLE recipients (
       customer_id TEXT PRIMARY KEY,
       name TEXT NOT NULL,
       email TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;`,
  ],
}
