import type { SchemaComponent } from 'seaworthy/sqlite'

/** The console's tables. `trace` and what hangs on it are sums over `span`, kept so that the newest traces can be listed without reading their spans. */
export const consoleSchema: SchemaComponent = {
  component: 'console',
  versions: [
    `CREATE TABLE span (
      id INTEGER PRIMARY KEY,
      trace_id TEXT NOT NULL,
      span_id TEXT NOT NULL,
      service TEXT NOT NULL,
      kind INTEGER NOT NULL,
      start_us INTEGER NOT NULL,
      end_us INTEGER NOT NULL,
      is_error INTEGER NOT NULL,
      origin_key TEXT NOT NULL,
      body TEXT NOT NULL,
      UNIQUE (trace_id, span_id)
    ) STRICT;
    CREATE TABLE trace (
      trace_id TEXT PRIMARY KEY,
      start_us INTEGER NOT NULL,
      end_us INTEGER NOT NULL,
      span_count INTEGER NOT NULL,
      error_count INTEGER NOT NULL,
      root_service TEXT NOT NULL,
      root_name TEXT NOT NULL,
      root_is_orphan INTEGER NOT NULL,
      root_start_us INTEGER NOT NULL,
      correlation_id TEXT,
      updated_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX trace_by_start ON trace (start_us);
    CREATE INDEX trace_by_update ON trace (updated_ms);
    CREATE TABLE trace_service (
      trace_id TEXT NOT NULL,
      service TEXT NOT NULL,
      first_us INTEGER NOT NULL,
      PRIMARY KEY (trace_id, service)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE trace_correlation (
      correlation_id TEXT NOT NULL,
      trace_id TEXT NOT NULL,
      PRIMARY KEY (correlation_id, trace_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX trace_correlation_by_trace ON trace_correlation (trace_id);
    CREATE TABLE trace_origin (
      trace_id TEXT NOT NULL,
      origin_key TEXT NOT NULL,
      resource TEXT NOT NULL,
      scope TEXT NOT NULL,
      resource_schema_url TEXT NOT NULL,
      scope_schema_url TEXT NOT NULL,
      PRIMARY KEY (trace_id, origin_key)
    ) STRICT, WITHOUT ROWID`,
  ],
}
