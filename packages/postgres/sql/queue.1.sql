-- Queues. A message is ready when `visible_at_ms` has come: at once, after its delay, or when its lease ran out. `lease` is set while it is handed
-- out, and a new number at each time. All times are the server's.
CREATE OR REPLACE FUNCTION seaworthy_now_ms() RETURNS bigint LANGUAGE sql STABLE AS
  'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

CREATE SEQUENCE seaworthy_queue_leases;

CREATE TABLE seaworthy_queue_messages (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue text NOT NULL,
  id text NOT NULL,
  body json NOT NULL,
  context json NOT NULL,
  visible_at_ms bigint NOT NULL,
  attempts integer NOT NULL,
  lease bigint
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX seaworthy_queue_messages_by_id ON seaworthy_queue_messages (queue, id);
CREATE INDEX seaworthy_queue_messages_by_visibility ON seaworthy_queue_messages (queue, visible_at_ms, position);

CREATE TABLE seaworthy_queue_dead (
  queue text NOT NULL,
  id text NOT NULL,
  body json NOT NULL,
  context json NOT NULL,
  attempts integer NOT NULL,
  reason text NOT NULL,
  died_at_ms bigint NOT NULL,
  PRIMARY KEY (queue, id)
);
CREATE INDEX seaworthy_queue_dead_by_time ON seaworthy_queue_dead (queue, died_at_ms);

-- Ids that were sent within the window, whatever became of their messages.
CREATE TABLE seaworthy_queue_seen (
  queue text NOT NULL,
  id text NOT NULL,
  seen_at_ms bigint NOT NULL,
  PRIMARY KEY (queue, id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX seaworthy_queue_seen_by_time ON seaworthy_queue_seen (queue, seen_at_ms);

INSERT INTO seaworthy_schema (component, version) VALUES ('seaworthy.queue', 1);
