-- What a consumer remembers of messages that fail: how often those in progress were tried, and those that were set aside.
CREATE TABLE seaworthy_attempts (
  consumer text NOT NULL,
  topic text NOT NULL,
  message_id text NOT NULL,
  attempts integer NOT NULL CHECK (attempts > 0),
  PRIMARY KEY (consumer, topic, message_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE seaworthy_dead_letters (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  consumer text NOT NULL,
  topic text NOT NULL,
  key text NOT NULL,
  message_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('skipped', 'parked', 'held')),
  attempts integer NOT NULL,
  reason text NOT NULL,
  died_at_ms bigint NOT NULL,
  event json NOT NULL
);
CREATE UNIQUE INDEX seaworthy_dead_letters_by_message ON seaworthy_dead_letters (consumer, topic, message_id);
CREATE INDEX seaworthy_dead_letters_by_key ON seaworthy_dead_letters (consumer, topic, key, position);

INSERT INTO seaworthy_schema (component, version) VALUES ('seaworthy.consumer', 1);
