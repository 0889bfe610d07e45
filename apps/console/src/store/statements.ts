/** Reads `trace` whole, once at the start: 20,000 short rows. */
export const COUNT = `SELECT count(*) AS traces, coalesce(sum(span_count), 0) AS spans, coalesce(sum(bytes), 0) AS bytes,
    coalesce(sum(is_kept), 0) AS keptTraces, coalesce(sum(bytes * is_kept), 0) AS keptBytes
  FROM trace`

// Primary key of trace, a look-up for each.
export const SELECT_SPAN_COUNTS = 'SELECT trace_id, span_count, is_kept FROM trace WHERE trace_id IN (SELECT value FROM json_each(?))'

/** A statement for one row and the same for several at once: a statement costs as much as a row. */
export interface RowsStatement {
  readonly one: string
  readonly several: string
  readonly rowsAtOnce: number
}

function rowsStatement(columns: number, statement: (values: string) => string, rowsAtOnce = 32): RowsStatement {
  const row = `(${Array.from({ length: columns }, () => '?').join(', ')})`
  return { one: statement(row), several: statement(Array.from({ length: rowsAtOnce }, () => row).join(', ')), rowsAtOnce }
}

// Unique index of span on (trace_id, span_id).
export const INSERT_SPANS = rowsStatement(
  14,
  (values) => `INSERT INTO span
    (trace_id, span_id, parent_span_id, service, name, kind, start_us, end_us, is_error, subject, routed_request, peer, origin_key, body)
  VALUES ${values} ON CONFLICT (trace_id, span_id) DO NOTHING`,
)

// The end of the primary key.
export const SELECT_LAST_ID = 'SELECT coalesce(max(id), 0) AS id FROM span'

// Primary key of span, from there.
export const SELECT_IDS_AFTER = 'SELECT trace_id, span_id FROM span WHERE id > ?'

const ROOT = 'root_service, root_name, root_is_orphan, root_start_us, root_outcome, root_http_status, root_is_background, unrouted_request'
const CANDIDATE = ROOT.replaceAll(/\w+/g, (column) => `excluded.${column}`)

// Primary key of trace. A span without a parent is a better root than one with; an earlier one is better than a later.
export const UPSERT_TRACES = rowsStatement(
  17,
  (values) => `INSERT INTO trace
    (trace_id, start_us, end_us, span_count, bytes, error_count, says_rejected, correlation_id, updated_ms, ${ROOT})
  VALUES ${values}
  ON CONFLICT (trace_id) DO UPDATE SET
    start_us = min(start_us, excluded.start_us),
    end_us = max(end_us, excluded.end_us),
    span_count = span_count + excluded.span_count,
    bytes = bytes + excluded.bytes,
    error_count = error_count + excluded.error_count,
    says_rejected = max(says_rejected, excluded.says_rejected),
    (${ROOT}) = (SELECT * FROM (SELECT ${ROOT} UNION ALL SELECT ${CANDIDATE}) ORDER BY root_is_orphan, root_start_us LIMIT 1),
    correlation_id = coalesce(correlation_id, excluded.correlation_id),
    updated_ms = excluded.updated_ms`,
)

// Primary key of trace for each id of a JSON list, then span_by_routed_request: where the first server knew the request's route in part, the last one knows it all.
export const UPDATE_ROUTES = `UPDATE trace SET route = (
    SELECT name FROM span WHERE span.trace_id = trace.trace_id AND routed_request = unrouted_request ORDER BY start_us DESC LIMIT 1
  ) WHERE trace_id IN (SELECT value FROM json_each(?)) AND unrouted_request IS NOT NULL`

// Primary key of trace_service.
export const UPSERT_SERVICES = rowsStatement(
  3,
  (values) => `INSERT INTO trace_service (trace_id, service, first_us) VALUES ${values}
  ON CONFLICT (trace_id, service) DO UPDATE SET first_us = min(first_us, excluded.first_us)`,
)

// Primary key of trace_correlation.
export const INSERT_CORRELATIONS = rowsStatement(
  2,
  (values) => `INSERT INTO trace_correlation (correlation_id, trace_id) VALUES ${values} ON CONFLICT DO NOTHING`,
)

// Primary keys of trace and trace_call. A call may be known when its trace is no more.
export const INSERT_CALLS = rowsStatement(
  3,
  (values) => `INSERT INTO trace_call (caller, callee, trace_id)
  SELECT column1, column2, column3 FROM (VALUES ${values}) WHERE EXISTS (SELECT 1 FROM trace WHERE trace_id = column3) ON CONFLICT DO NOTHING`,
)

// Primary key of trace_origin.
export const INSERT_ORIGINS = rowsStatement(
  6,
  (values) => `INSERT INTO trace_origin (trace_id, origin_key, resource, scope, resource_schema_url, scope_schema_url)
  VALUES ${values} ON CONFLICT DO NOTHING`,
)

// trace_by_start backwards, which ends in the primary key, until enough traces match; services by the primary key of trace_service, correlation ids by that of trace_correlation, calls by that of trace_call.
export const SELECT_TRACES = `SELECT trace_id, start_us, end_us, span_count, error_count, root_service,
    coalesce(route, unrouted_request, root_name) AS name, root_http_status, outcome, correlation_id,
    (SELECT json_group_array(service ORDER BY first_us) FROM trace_service WHERE trace_service.trace_id = trace.trace_id) AS services
  FROM trace
  WHERE (start_us, trace_id) < (?1, ?8)
    AND (?2 IS NULL OR EXISTS (SELECT 1 FROM trace_service WHERE trace_service.trace_id = trace.trace_id AND service = ?2))
    AND (?3 IS NULL OR end_us - start_us >= ?3)
    AND (?4 IS NULL OR outcome = ?4)
    AND (?9 = 1 OR root_is_background = 0)
    AND (?5 IS NULL OR trace_id IN (SELECT trace_id FROM trace_correlation WHERE correlation_id = ?5))
    AND (?10 IS NULL OR trace_id IN (SELECT trace_id FROM trace_call WHERE caller = ?10 AND callee = ?11))
    AND (?6 IS NULL
      OR instr(lower(root_name), ?6) > 0
      OR instr(lower(route), ?6) > 0
      OR instr(lower(unrouted_request), ?6) > 0
      OR instr(trace_id, ?6) = 1
      OR EXISTS (SELECT 1 FROM trace_service WHERE trace_service.trace_id = trace.trace_id AND instr(lower(service), ?6) > 0)
      OR EXISTS (SELECT 1 FROM trace_correlation WHERE trace_correlation.trace_id = trace.trace_id AND instr(lower(correlation_id), ?6) = 1))
  ORDER BY start_us DESC, trace_id DESC LIMIT ?7`

// trace_by_start backwards, until enough traces match.
export const SELECT_OPERATION_TRACES = `SELECT trace_id, root_service, coalesce(route, unrouted_request, root_name) AS name, end_us - start_us AS duration_us, span_count
  FROM trace
  WHERE root_is_background = 0 AND (?1 IS NULL OR root_service = ?1) AND (?2 IS NULL OR coalesce(route, unrouted_request, root_name) = ?2)
  ORDER BY start_us DESC LIMIT ?3`

// Unique index of span on (trace_id, span_id).
export const SELECT_ATTEMPTS =
  'SELECT span_id, parent_span_id, service, name, kind, start_us, end_us, is_error, subject FROM span WHERE trace_id = ?'

/** Bytes of the file that hold something: pages of deleted traces are used again. Reads the file's header. */
export const SELECT_USED_BYTES = `SELECT (page_count - freelist_count) * page_size AS bytes
  FROM pragma_page_count, pragma_freelist_count, pragma_page_size`

// The ids, which are hexadecimal digits, before what is stored of the rest. A body with a brace is from before version 5, and whole.
const WHOLE_BODY = `iif(substr(body, 1, 1) = '{', body, '{"traceId":"' || trace_id || '","spanId":"' || span_id || iif(parent_span_id IS NULL, '",', '","parentSpanId":"' || parent_span_id || '",') || body)`

// Unique index of span on (trace_id, span_id), then its primary key. What is sorted are ids, and not bodies; what comes is one text for each origin, and not an object for each of
// fifty thousand spans. The limit keeps the order of the inner query.
export const SELECT_SPANS = `SELECT ordered.origin_key, group_concat(${WHOLE_BODY}, ',') AS bodies
  FROM (SELECT id, origin_key FROM span WHERE trace_id = ? ORDER BY origin_key, start_us LIMIT -1) AS ordered CROSS JOIN span ON span.id = ordered.id
  GROUP BY ordered.origin_key`

// Primary key of trace_origin.
export const SELECT_ORIGINS =
  'SELECT origin_key, resource, scope, resource_schema_url, scope_schema_url FROM trace_origin WHERE trace_id = ? ORDER BY origin_key'

// Unique index of span on (trace_id, span_id), which has the row ids too. In the order in which they were stored, so that pages of the file are read once.
export const SELECT_SPAN_ROWS = 'SELECT json_group_array(id) AS ids FROM (SELECT id FROM span WHERE trace_id = ? ORDER BY id)'

// Primary key of span, for each id of a JSON list. Two texts, and not an object for each of some thousand spans.
export const SELECT_SOME_SPANS = `SELECT json_group_array(origin_key) AS origin_keys, group_concat(${WHOLE_BODY}, ',') AS bodies
  FROM json_each(?) CROSS JOIN span ON span.id = json_each.value`

// Unique index of span on (trace_id, span_id).
export const SELECT_SPAN = `SELECT origin_key, ${WHOLE_BODY} AS bodies FROM span WHERE trace_id = ? AND span_id = ?`

// Primary key of trace.
export const SELECT_VERSION = 'SELECT span_count, updated_ms FROM trace WHERE trace_id = ?'

// trace_by_retention for the traces of both classes that were touched since, then their spans by the unique index of span. Kinds: 2 server, 5 consumer.
export const SELECT_ENTRY_SPANS = `SELECT span.service, span.start_us, span.end_us, span.is_error
  FROM trace INDEXED BY trace_by_retention CROSS JOIN span ON span.trace_id = trace.trace_id
  WHERE trace.is_kept IN (0, 1) AND trace.updated_ms > ? AND span.kind IN (2, 5) AND span.end_us > ? LIMIT ?`

// trace_by_retention for the traces of both classes that were touched since, then their spans by the unique index of span. Kinds: from server to consumer.
export const SELECT_CALL_SPANS = `SELECT span.trace_id, span.span_id, span.parent_span_id, span.service, span.kind, span.start_us, span.end_us,
    span.is_error, span.peer
  FROM trace INDEXED BY trace_by_retention CROSS JOIN span ON span.trace_id = trace.trace_id
  WHERE trace.is_kept IN (0, 1) AND trace.updated_ms > ? AND span.kind BETWEEN 2 AND 5 LIMIT ?`

// trace_by_retention, from the beginning of a class.
export const SELECT_OLDEST = `SELECT trace_id, span_count, bytes, is_kept, error_count, outcome, (end_us - start_us) / 1000.0 AS duration_ms,
    root_service || ' ' || coalesce(route, unrouted_request, root_name) AS kind
  FROM trace WHERE is_kept = ? AND updated_ms < ? ORDER BY updated_ms LIMIT ?`

// trace_by_retention backwards, of the ordinary ones.
export const SELECT_NEWEST_DURATIONS = `SELECT (end_us - start_us) / 1000.0 AS duration_ms,
    root_service || ' ' || coalesce(route, unrouted_request, root_name) AS kind
  FROM trace WHERE is_kept = 0 ORDER BY updated_ms DESC LIMIT ?`

// Primary key of trace, for each id of a JSON list.
export const KEEP_TRACES = 'UPDATE trace SET is_kept = 1 WHERE trace_id IN (SELECT value FROM json_each(?))'

// Unique index of span on (trace_id, span_id), from a trace's beginning.
export const DELETE_SOME_SPANS = 'DELETE FROM span WHERE id IN (SELECT id FROM span WHERE trace_id = ? LIMIT ?)'

// Primary key of trace.
export const SHRINK_TRACE = 'UPDATE trace SET span_count = span_count - ?, bytes = bytes - ? WHERE trace_id = ?'

/** All that belongs to the traces whose ids are in a JSON list: by the first column of each primary key, trace_correlation_by_trace and trace_call_by_trace. */
export const DELETE_TRACES = ['span', 'trace_service', 'trace_correlation', 'trace_call', 'trace_origin', 'trace'].map(
  (table) => `DELETE FROM ${table} WHERE trace_id IN (SELECT value FROM json_each(?))`,
)
