-- The inbox. A row for each message that was handled within the window, and one for each key for ever, with the last number that was handled
-- and the one before it, by which a gap is seen.
CREATE TABLE seaworthy_inbox (
  consumer text NOT NULL,
  generation integer NOT NULL,
  message_id text NOT NULL,
  handled_at_ms bigint NOT NULL,
  PRIMARY KEY (consumer, generation, message_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX seaworthy_inbox_by_time ON seaworthy_inbox (handled_at_ms);

CREATE TABLE seaworthy_inbox_sequences (
  consumer text NOT NULL,
  generation integer NOT NULL,
  topic text NOT NULL,
  key text NOT NULL,
  last bigint NOT NULL CHECK (last >= 0),
  previous bigint NOT NULL CHECK (previous >= 0),
  PRIMARY KEY (consumer, generation, topic, key)
) WITH (fillfactor = 80);

INSERT INTO seaworthy_schema (component, version) VALUES ('seaworthy.inbox', 1);
