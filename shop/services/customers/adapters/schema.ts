import { tables } from '../../../platform/tables.ts'

/** The tables of customers. */
export const CUSTOMERS_SCHEMA = tables(
  'customers',
  ({ integer, strict }) =>
    `CREATE TABLE customers (
       id TEXT PRIMARY KEY,
       name TEXT NOT NULL,
       email TEXT NOT NULL,
       credit_limit_cents ${integer} NOT NULL CHECK (credit_limit_cents >= 0),
       created_at_ms ${integer} NOT NULL
     ) ${strict};`,
  // Who is forgotten keeps a row without name and address, so that no import brings them back.
  ({ integer }) => `ALTER TABLE customers ADD COLUMN forgotten_at_ms ${integer}`,
)
