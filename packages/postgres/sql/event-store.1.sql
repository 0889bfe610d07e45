-- The event store. The row of a stream is locked from an append until its transaction ends, so that versions have no gap, and positions, which
-- are taken under that lock, are in the stream's order.
CREATE TABLE seaworthy_streams (
  stream text PRIMARY KEY,
  version bigint NOT NULL CHECK (version >= 0)
) WITH (fillfactor = 80);

CREATE TABLE seaworthy_events (
  -- The sequence behind it must not cache, for the same reason.
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream text NOT NULL,
  version bigint NOT NULL CHECK (version > 0),
  id text NOT NULL,
  type text NOT NULL,
  schema_version integer NOT NULL CHECK (schema_version > 0),
  data json NOT NULL,
  context json NOT NULL,
  recorded_at_ms bigint NOT NULL
);
CREATE UNIQUE INDEX seaworthy_events_by_version ON seaworthy_events (stream, version);
CREATE UNIQUE INDEX seaworthy_events_by_id ON seaworthy_events (stream, id);

CREATE TABLE seaworthy_snapshots (
  stream text PRIMARY KEY,
  version bigint NOT NULL,
  schema_version integer NOT NULL,
  state json NOT NULL
);

INSERT INTO seaworthy_schema (component, version) VALUES ('seaworthy.event-store', 1);
