import type { SchemaComponent } from 'seaworthy/sqlite'

/**
 * Log records in the order of their arrival: their ids are their order, so that every index ends in it and a page of any search is read from its beginning. The words of a record are in
 * an index of FTS5 that holds no text of its own.
 */
export const logSchema: SchemaComponent = {
  component: 'console-logs',
  versions: [
    `CREATE TABLE log (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      time_us INTEGER NOT NULL,
      service TEXT NOT NULL,
      instance TEXT,
      severity INTEGER NOT NULL,
      trace_id TEXT,
      span_id TEXT,
      correlation_id TEXT,
      message TEXT NOT NULL,
      body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX log_by_service ON log (service);
    CREATE INDEX log_by_trace ON log (trace_id) WHERE trace_id IS NOT NULL;
    CREATE INDEX log_by_correlation ON log (correlation_id) WHERE correlation_id IS NOT NULL;
    CREATE INDEX log_by_warning ON log (id) WHERE severity >= 13;
    CREATE VIRTUAL TABLE log_text USING fts5(message, body, content = '', contentless_delete = 1);
    CREATE TABLE log_file (
      name TEXT PRIMARY KEY,
      inode INTEGER NOT NULL,
      offset INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
  ],
}
