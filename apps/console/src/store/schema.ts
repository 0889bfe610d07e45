import type { SchemaComponent } from 'seaworthy/sqlite'
import { integerKeys } from './schema-integer-keys.ts'

/**
 * The console's tables. `trace` and what hangs on it are sums over `span`, kept so that the newest traces can be listed without reading their spans. Version 6 made them all anew: what
 * there is now stands there.
 */
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
    // How a request ended, what it was in full, and which failed attempts were repeated. Traces from before tell what their errors told.
    `ALTER TABLE span ADD COLUMN parent_span_id TEXT;
    ALTER TABLE span ADD COLUMN name TEXT NOT NULL DEFAULT '';
    ALTER TABLE span ADD COLUMN subject TEXT NOT NULL DEFAULT '';
    ALTER TABLE span ADD COLUMN routed_request TEXT;
    CREATE INDEX span_by_routed_request ON span (trace_id, routed_request) WHERE routed_request IS NOT NULL;
    ALTER TABLE trace ADD COLUMN root_outcome TEXT NOT NULL DEFAULT 'ok';
    ALTER TABLE trace ADD COLUMN root_http_status INTEGER;
    ALTER TABLE trace ADD COLUMN root_is_background INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE trace ADD COLUMN unrouted_request TEXT;
    ALTER TABLE trace ADD COLUMN route TEXT;
    ALTER TABLE trace ADD COLUMN says_rejected INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE trace ADD COLUMN outcome TEXT NOT NULL
      AS (CASE WHEN root_outcome = 'ok' AND says_rejected = 1 THEN 'rejected' ELSE root_outcome END) VIRTUAL;
    UPDATE trace SET root_outcome = 'failed' WHERE error_count > 0`,
    // How much a trace takes, and whether it is slow or failed and so outlives others. What older ones take is guessed: a span has about a kilobyte.
    `ALTER TABLE trace ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE trace ADD COLUMN is_kept INTEGER NOT NULL DEFAULT 0;
    UPDATE trace SET bytes = span_count * 1000;
    DROP INDEX trace_by_update;
    CREATE INDEX trace_by_retention ON trace (is_kept, updated_ms)`,
    // Who called whom: what the map is made of again after a restart, and by what its traces are found.
    `ALTER TABLE span ADD COLUMN peer TEXT;
    CREATE TABLE trace_call (
      caller TEXT NOT NULL,
      callee TEXT NOT NULL,
      trace_id TEXT NOT NULL,
      PRIMARY KEY (caller, callee, trace_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX trace_call_by_trace ON trace_call (trace_id)`,
    // A tenth of a span was ids that had columns. Consoles from before would not put them before the bodies that are stored from here on.
    '-- Bodies begin behind the ids. Those that are there are whole.',
    integerKeys,
  ],
}
