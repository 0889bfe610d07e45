/**
 * Version 6 of the console's tables. Traces have integers for keys, in the order of their arrival: every index is added to at its end, where ids of 32 random characters lay
 * all over the file. What spans have in common, their process and library, is stored once for all traces and goes with the last of them. Times are nanoseconds, and of
 * a span's attributes those that an outline has lie apart, so that a large trace is opened without taking its spans' bodies apart.
 *
 * Everything that was there is taken over, spans to the last nanosecond: all of their attributes lie in their bodies still, of which `outline_reads_body` tells. Each row
 * is written once: the file needs as much room again while that lasts.
 */
export const integerKeys = `
DROP INDEX trace_by_start;
DROP INDEX trace_by_retention;
DROP INDEX trace_correlation_by_trace;
DROP INDEX trace_call_by_trace;
DROP INDEX span_by_routed_request;
ALTER TABLE span RENAME TO old_span;
ALTER TABLE trace RENAME TO old_trace;
ALTER TABLE trace_service RENAME TO old_trace_service;
ALTER TABLE trace_correlation RENAME TO old_trace_correlation;
ALTER TABLE trace_origin RENAME TO old_trace_origin;
ALTER TABLE trace_call RENAME TO old_trace_call;

CREATE TABLE trace (
  id INTEGER PRIMARY KEY,
  trace_id TEXT NOT NULL UNIQUE,
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL,
  span_count INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  error_count INTEGER NOT NULL,
  is_kept INTEGER NOT NULL DEFAULT 0,
  updated_ms INTEGER NOT NULL,
  root_service TEXT NOT NULL,
  root_name TEXT NOT NULL,
  root_is_orphan INTEGER NOT NULL,
  root_start_us INTEGER NOT NULL,
  root_outcome TEXT NOT NULL,
  root_http_status INTEGER,
  root_is_background INTEGER NOT NULL,
  unrouted_request TEXT,
  route TEXT,
  correlation_id TEXT,
  says_rejected INTEGER NOT NULL,
  outcome TEXT NOT NULL AS (CASE WHEN root_outcome = 'ok' AND says_rejected = 1 THEN 'rejected' ELSE root_outcome END) VIRTUAL
) STRICT;
CREATE INDEX trace_by_start ON trace (start_us, trace_id);
CREATE INDEX trace_by_retention ON trace (is_kept, updated_ms);
INSERT INTO trace (trace_id, start_us, end_us, span_count, bytes, error_count, is_kept, updated_ms, root_service, root_name, root_is_orphan,
    root_start_us, root_outcome, root_http_status, root_is_background, unrouted_request, route, correlation_id, says_rejected)
  SELECT trace_id, start_us, end_us, span_count, bytes, error_count, is_kept, updated_ms, root_service, root_name, root_is_orphan,
    root_start_us, root_outcome, root_http_status, root_is_background, unrouted_request, route, correlation_id, says_rejected
  FROM old_trace ORDER BY updated_ms;

-- A process and a library, and what both say of themselves.
CREATE TABLE origin (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  service TEXT NOT NULL,
  resource TEXT NOT NULL,
  scope TEXT NOT NULL,
  resource_schema_url TEXT NOT NULL,
  scope_schema_url TEXT NOT NULL
) STRICT;
INSERT INTO origin (key, service, resource, scope, resource_schema_url, scope_schema_url)
  SELECT origin_key,
    coalesce(nullif((SELECT value ->> '$.value.stringValue' FROM json_each(resource, '$.attributes') WHERE value ->> '$.key' = 'service.name'), ''), 'unknown'),
    resource, scope, resource_schema_url, scope_schema_url
  FROM old_trace_origin GROUP BY origin_key;

-- With the start of its first span: the services of a trace stand in that order.
CREATE TABLE trace_origin (
  trace INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  first_us INTEGER NOT NULL,
  PRIMARY KEY (trace, origin)
) STRICT, WITHOUT ROWID;
CREATE INDEX trace_origin_by_origin ON trace_origin (origin);
INSERT INTO trace_origin
  SELECT trace.id, origin.id, coalesce(first_us, trace.start_us)
  FROM old_trace_origin
    JOIN trace ON trace.trace_id = old_trace_origin.trace_id
    JOIN origin ON origin.key = origin_key
    LEFT JOIN old_trace_service ON old_trace_service.trace_id = trace.trace_id AND old_trace_service.service = origin.service
  ORDER BY trace.id, origin.id;
CREATE TRIGGER origin_of_no_trace AFTER DELETE ON trace_origin
  WHEN NOT EXISTS (SELECT 1 FROM trace_origin WHERE origin = OLD.origin)
  BEGIN DELETE FROM origin WHERE id = OLD.origin; END;

CREATE TABLE trace_correlation (
  correlation_id TEXT NOT NULL,
  trace INTEGER NOT NULL,
  PRIMARY KEY (correlation_id, trace)
) STRICT, WITHOUT ROWID;
CREATE INDEX trace_correlation_by_trace ON trace_correlation (trace);
INSERT INTO trace_correlation
  SELECT old_trace_correlation.correlation_id, trace.id FROM old_trace_correlation JOIN trace USING (trace_id) ORDER BY 1, 2;

CREATE TABLE trace_call (
  trace INTEGER NOT NULL,
  caller TEXT NOT NULL,
  callee TEXT NOT NULL,
  PRIMARY KEY (trace, caller, callee)
) STRICT, WITHOUT ROWID;
INSERT INTO trace_call SELECT trace.id, caller, callee FROM old_trace_call JOIN trace USING (trace_id) ORDER BY 1, 2, 3;

-- The last server that knew the route of a request to its end, and its span's name.
CREATE TABLE trace_route (
  trace INTEGER NOT NULL,
  request TEXT NOT NULL,
  start_us INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (trace, request)
) STRICT, WITHOUT ROWID;
INSERT INTO trace_route
  SELECT trace.id, routed_request, max(old_span.start_us), name FROM old_span JOIN trace USING (trace_id)
  WHERE routed_request IS NOT NULL GROUP BY trace.id, routed_request;

CREATE TABLE span (
  id INTEGER PRIMARY KEY,
  trace INTEGER NOT NULL,
  span_id TEXT NOT NULL,
  parent_span_id TEXT,
  origin INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  start_ns INTEGER NOT NULL,
  end_ns INTEGER NOT NULL,
  is_error INTEGER NOT NULL,
  -- It says of itself in its body what an outline tells: that it failed, and why.
  outline_reads_body INTEGER NOT NULL,
  name TEXT NOT NULL,
  subject TEXT NOT NULL,
  peer TEXT,
  -- As JSON, with commas between.
  outline_attributes TEXT NOT NULL,
  -- As JSON, from behind those: the other attributes, the end of their list, and whatever has no column.
  body TEXT NOT NULL
) STRICT;
INSERT INTO span
  SELECT old.id, trace.id, old.span_id, old.parent_span_id, origin.id, old.kind,
    coalesce(CAST(json ->> '$.startTimeUnixNano' AS INTEGER), old.start_us * 1000),
    coalesce(CAST(json ->> '$.endTimeUnixNano' AS INTEGER), old.end_us * 1000),
    old.is_error, 1, coalesce(json ->> '$.name', old.name), old.subject, old.peer, '',
    coalesce(substr(json -> '$.attributes', 2), ']') || iif(rest = '{}', '}', ',' || substr(rest, 2))
  FROM (
    SELECT *, json_remove(json, '$.traceId', '$.spanId', '$.parentSpanId', '$.name', '$.kind', '$.startTimeUnixNano', '$.endTimeUnixNano', '$.attributes') AS rest
    FROM (SELECT *, iif(substr(body, 1, 1) = '{', body, '{' || body) AS json FROM old_span)
  ) AS old
    CROSS JOIN trace ON trace.trace_id = old.trace_id
    CROSS JOIN origin ON origin.key = old.origin_key
  ORDER BY old.id;
CREATE UNIQUE INDEX span_by_span_id ON span (trace, span_id);

DROP TABLE old_span;
DROP TABLE old_trace;
DROP TABLE old_trace_service;
DROP TABLE old_trace_correlation;
DROP TABLE old_trace_origin;
DROP TABLE old_trace_call`
