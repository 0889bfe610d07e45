/** Reads `trace` whole, once at the start: 20,000 short rows. */
export const COUNT = `SELECT count(*) AS traces, coalesce(sum(span_count), 0) AS spans, coalesce(sum(bytes), 0) AS bytes,
    coalesce(sum(is_kept), 0) AS keptTraces, coalesce(sum(bytes * is_kept), 0) AS keptBytes
  FROM trace`

// Unique index of trace on trace_id, a look-up for each.
export const SELECT_KNOWN_TRACES = 'SELECT trace_id, id, span_count, is_kept FROM trace WHERE trace_id IN (SELECT value FROM json_each(?))'

// The end of the primary key.
export const SELECT_LAST_TRACE = 'SELECT coalesce(max(id), 0) AS id FROM trace'

// Unique index of origin on key, a look-up for each.
export const SELECT_ORIGINS_BY_KEY = 'SELECT key, id FROM origin WHERE key IN (SELECT value FROM json_each(?))'

export const INSERT_ORIGIN = `INSERT INTO origin (key, service, resource, scope, resource_schema_url, scope_schema_url)
  VALUES (?, ?, ?, ?, ?, ?) RETURNING id`

// Primary key of origin, for each id of a JSON list, then trace_origin_by_origin. All others are deleted with the last of their traces, by a trigger.
export const DELETE_UNUSED_ORIGINS = `DELETE FROM origin
  WHERE id IN (SELECT value FROM json_each(?)) AND NOT EXISTS (SELECT 1 FROM trace_origin WHERE trace_origin.origin = origin.id)`

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

// span_by_span_id.
export const INSERT_SPANS = rowsStatement(
  14,
  (values) => `INSERT INTO span
    (trace, span_id, parent_span_id, origin, kind, start_ns, end_ns, is_error, outline_reads_body, name, subject, peer, outline_attributes, body)
  VALUES ${values} ON CONFLICT (trace, span_id) DO NOTHING`,
)

// The end of the primary key.
export const SELECT_LAST_SPAN = 'SELECT coalesce(max(id), 0) AS id FROM span'

// Primary key of span, from there.
export const SELECT_SPANS_AFTER = 'SELECT trace, span_id FROM span WHERE id > ?'

const ROOT = 'root_service, root_name, root_is_orphan, root_start_us, root_outcome, root_http_status, root_is_background, unrouted_request'
const CANDIDATE = ROOT.replaceAll(/\w+/g, (column) => `excluded.${column}`)

// Primary key of trace. A span without a parent is a better root than one with; an earlier one is better than a later.
export const UPSERT_TRACES = rowsStatement(
  18,
  (values) => `INSERT INTO trace
    (id, trace_id, start_us, end_us, span_count, bytes, error_count, says_rejected, correlation_id, updated_ms, ${ROOT})
  VALUES ${values}
  ON CONFLICT (id) DO UPDATE SET
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

// Primary key of trace_route.
export const UPSERT_ROUTES = rowsStatement(
  4,
  (values) => `INSERT INTO trace_route (trace, request, start_us, name) VALUES ${values}
  ON CONFLICT (trace, request) DO UPDATE SET start_us = excluded.start_us, name = excluded.name WHERE excluded.start_us >= start_us`,
)

// Primary key of trace for each id of a JSON list, then that of trace_route: where the first server knew the request's route in part, the last one knows it all.
export const UPDATE_ROUTES = `UPDATE trace SET route = (SELECT name FROM trace_route WHERE trace_route.trace = trace.id AND request = unrouted_request)
  WHERE id IN (SELECT value FROM json_each(?)) AND unrouted_request IS NOT NULL`

// Primary key of trace_origin.
export const UPSERT_ORIGINS = rowsStatement(
  3,
  (values) => `INSERT INTO trace_origin (trace, origin, first_us) VALUES ${values}
  ON CONFLICT (trace, origin) DO UPDATE SET first_us = min(first_us, excluded.first_us)`,
)

// Primary key of trace_correlation.
export const INSERT_CORRELATIONS = rowsStatement(
  2,
  (values) => `INSERT INTO trace_correlation (correlation_id, trace) VALUES ${values} ON CONFLICT DO NOTHING`,
)

// Primary key of trace_call.
export const INSERT_CALLS = rowsStatement(
  3,
  (values) => `INSERT INTO trace_call (trace, caller, callee) VALUES ${values} ON CONFLICT DO NOTHING`,
)

// trace_by_start backwards until enough traces match; services and their texts by the primary key of trace_origin, correlation ids by that of trace_correlation and by trace_correlation_by_trace,
// calls by the primary key of trace_call. The plus keeps the planner from looking for each origin of a service in each trace: a trace has a few, a service that was started often thousands.
export const SELECT_TRACES = `SELECT id, trace_id, start_us, end_us, span_count, error_count, root_service,
    coalesce(route, unrouted_request, root_name) AS name, root_http_status, outcome, correlation_id,
    (SELECT json_group_array(service ORDER BY since_us) FROM (
      SELECT service, min(first_us) AS since_us FROM trace_origin JOIN origin ON origin.id = trace_origin.origin
      WHERE trace_origin.trace = trace.id GROUP BY service
    )) AS services
  FROM trace
  WHERE (start_us, trace_id) < (?1, ?8)
    AND (?2 IS NULL OR EXISTS (
      SELECT 1 FROM trace_origin WHERE trace_origin.trace = trace.id AND +origin IN (SELECT id FROM origin WHERE service = ?2)))
    AND (?3 IS NULL OR end_us - start_us >= ?3)
    AND (?4 IS NULL OR outcome = ?4)
    AND (?9 = 1 OR root_is_background = 0)
    AND (?5 IS NULL OR id IN (SELECT trace FROM trace_correlation WHERE correlation_id = ?5))
    AND (?10 IS NULL OR EXISTS (SELECT 1 FROM trace_call WHERE trace_call.trace = trace.id AND caller = ?10 AND callee = ?11))
    AND (?6 IS NULL
      OR instr(lower(root_name), ?6) > 0
      OR instr(lower(route), ?6) > 0
      OR instr(lower(unrouted_request), ?6) > 0
      OR instr(trace_id, ?6) = 1
      OR EXISTS (
        SELECT 1 FROM trace_origin WHERE trace_origin.trace = trace.id AND +origin IN (SELECT id FROM origin WHERE instr(lower(service), ?6) > 0))
      OR EXISTS (SELECT 1 FROM trace_correlation WHERE trace_correlation.trace = trace.id AND instr(lower(correlation_id), ?6) = 1))
  ORDER BY start_us DESC, trace_id DESC LIMIT ?7`

// trace_by_start backwards, until enough traces match.
export const SELECT_OPERATION_TRACES = `SELECT trace_id, root_service, coalesce(route, unrouted_request, root_name) AS name, end_us - start_us AS duration_us, span_count
  FROM trace
  WHERE root_is_background = 0 AND (?1 IS NULL OR root_service = ?1) AND (?2 IS NULL OR coalesce(route, unrouted_request, root_name) = ?2)
  ORDER BY start_us DESC LIMIT ?3`

// span_by_span_id, then the primary key of origin.
export const SELECT_ATTEMPTS = `SELECT span_id, parent_span_id, service, name, kind, start_ns / 1000 AS start_us, end_ns / 1000 AS end_us, is_error, subject
  FROM span CROSS JOIN origin ON origin.id = span.origin WHERE trace = ?`

/** Bytes of the file that hold something: pages of deleted traces are used again. Reads the file's header. */
export const SELECT_USED_BYTES = `SELECT (page_count - freelist_count) * page_size AS bytes
  FROM pragma_page_count, pragma_freelist_count, pragma_page_size`

// The ids and times, which are digits, before what is stored of the rest as JSON. The first parameter is the trace's id.
const WHOLE_SPAN = `'{"traceId":"' || ?1 || '","spanId":"' || span_id ||
    iif(parent_span_id IS NULL, '', '","parentSpanId":"' || parent_span_id) || '","name":' || json_quote(name) || ',"kind":' || kind ||
    ',"startTimeUnixNano":"' || start_ns || '","endTimeUnixNano":"' || end_ns || '","attributes":[' || outline_attributes ||
    iif(outline_attributes = '' OR substr(body, 1, 1) = ']', '', ',') || body`

// Unique index of trace on trace_id.
const TRACE = '(SELECT id FROM trace WHERE trace_id = ?1)'

// Unique index of trace on trace_id, then span_by_span_id and the primary key of span. What is sorted are ids, and not bodies; what comes is one text for each origin, and not an object for
// each of fifty thousand spans. The limit keeps the order of the inner query.
export const SELECT_SPANS = `SELECT ordered.origin, group_concat(${WHOLE_SPAN}, ',') AS spans
  FROM (SELECT id, origin FROM span WHERE trace = ${TRACE} ORDER BY origin, start_ns LIMIT -1) AS ordered CROSS JOIN span ON span.id = ordered.id
  GROUP BY ordered.origin`

// The same.
export const SELECT_SPAN = `SELECT origin, ${WHOLE_SPAN} AS spans FROM span WHERE trace = ${TRACE} AND span_id = ?2`

// Unique index of trace on trace_id, then the primary keys of trace_origin and origin. In the order of what they say, so that a trace comes out the same whatever came first.
export const SELECT_ORIGINS = `SELECT origin.id, resource, scope, resource_schema_url, scope_schema_url
  FROM trace_origin CROSS JOIN origin ON origin.id = trace_origin.origin WHERE trace = ${TRACE} ORDER BY key`

// Unique index of trace on trace_id, then span_by_span_id, which has the row ids too. In the order in which they were stored, so that pages of the file are read once.
export const SELECT_SPAN_ROWS = `SELECT start_us / 1000000 AS base_seconds,
    (SELECT json_group_array(id) FROM (SELECT id FROM span WHERE trace = trace.id ORDER BY id)) AS ids
  FROM trace WHERE trace_id = ?`

// Primary key of span, for each id of a JSON list. A text for each column, and not an object for each of some thousand spans. JSON has no line break, and numbers of JavaScript
// are bound as doubles, which nanoseconds do not fit into.
export const SELECT_OUTLINE = `SELECT json_group_array(span_id) AS ids, json_group_array(parent_span_id) AS parents, json_group_array(name) AS names,
    json_group_array(kind) AS kinds, json_group_array(origin) AS origins, json_group_array(start_ns - CAST(?3 AS INTEGER) * 1000000000) AS start_ns,
    json_group_array(end_ns - start_ns) AS length_ns, group_concat(outline_attributes, char(10)) AS attributes,
    json_group_array(outline_reads_body) AS reads_body, group_concat(${WHOLE_SPAN}, ',') FILTER (WHERE outline_reads_body = 1) AS spans
  FROM json_each(?2) CROSS JOIN span ON span.id = json_each.value`

// Unique index of trace on trace_id.
export const SELECT_VERSION = 'SELECT span_count, updated_ms FROM trace WHERE trace_id = ?'

// trace_by_retention for the traces of both classes that were touched since, then their spans by span_by_span_id, and the primary key of origin. Kinds: 2 server, 5 consumer.
export const SELECT_ENTRY_SPANS = `SELECT service, start_ns / 1000 AS start_us, end_ns / 1000 AS end_us, is_error
  FROM trace INDEXED BY trace_by_retention CROSS JOIN span ON span.trace = trace.id CROSS JOIN origin ON origin.id = span.origin
  WHERE trace.is_kept IN (0, 1) AND trace.updated_ms > ?1 AND span.kind IN (2, 5) AND span.end_ns > ?1 * 1000000 LIMIT ?2`

// The same. Kinds: from server to consumer. Of what failed the attributes too, which say whether it was the caller's own affair.
export const SELECT_CALL_SPANS = `SELECT trace_id, span_id, parent_span_id, service, kind, start_ns / 1000 AS start_us, end_ns / 1000 AS end_us, peer,
    iif(is_error, outline_attributes, NULL) AS error_attributes
  FROM trace INDEXED BY trace_by_retention CROSS JOIN span ON span.trace = trace.id CROSS JOIN origin ON origin.id = span.origin
  WHERE trace.is_kept IN (0, 1) AND trace.updated_ms > ? AND span.kind BETWEEN 2 AND 5 LIMIT ?`

// trace_by_retention, from the beginning of a class.
export const SELECT_OLDEST = `SELECT id, span_count, bytes, is_kept, error_count, outcome, (end_us - start_us) / 1000.0 AS duration_ms,
    root_service || ' ' || coalesce(route, unrouted_request, root_name) AS kind
  FROM trace WHERE is_kept = ? AND updated_ms < ? ORDER BY updated_ms LIMIT ?`

// trace_by_retention backwards, of the ordinary ones.
export const SELECT_NEWEST_DURATIONS = `SELECT (end_us - start_us) / 1000.0 AS duration_ms,
    root_service || ' ' || coalesce(route, unrouted_request, root_name) AS kind
  FROM trace WHERE is_kept = 0 ORDER BY updated_ms DESC LIMIT ?`

// Primary key of trace, for each id of a JSON list.
export const KEEP_TRACES = 'UPDATE trace SET is_kept = 1 WHERE id IN (SELECT value FROM json_each(?))'

// span_by_span_id, from a trace's beginning.
export const DELETE_SOME_SPANS = 'DELETE FROM span WHERE id IN (SELECT id FROM span WHERE trace = ? LIMIT ?)'

// Primary key of trace.
export const SHRINK_TRACE = 'UPDATE trace SET span_count = span_count - ?, bytes = bytes - ? WHERE id = ?'

/**
 * All that belongs to the traces whose keys are in a JSON list: by span_by_span_id, the first column of each primary key, and trace_correlation_by_trace. Origins that no other
 * trace has go with trace_origin, by a trigger.
 */
export const DELETE_TRACES = [
  ...['span', 'trace_origin', 'trace_correlation', 'trace_call', 'trace_route'].map(
    (table) => `DELETE FROM ${table} WHERE trace IN (SELECT value FROM json_each(?))`,
  ),
  'DELETE FROM trace WHERE id IN (SELECT value FROM json_each(?))',
]
