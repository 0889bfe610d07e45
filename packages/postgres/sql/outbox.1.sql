-- The outbox. A row for each message that is not sent yet, and one for each key for ever, with its last number.
--
-- The row of the key is locked from the taking of a number until the transaction ends: so the order of numbers is the order of commits, none is left
-- out, and whatever else is open on the server holds nothing back. Positions are taken under that lock, and are in the key's order too.
CREATE TABLE seaworthy_outbox (
  -- The sequence behind it must not cache: sessions that each keep some in stock would hand them out in another order.
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL,
  key text NOT NULL,
  sequence bigint NOT NULL,
  event json NOT NULL,
  added_at_ms bigint NOT NULL,
  -- A relay takes whole partitions, and so whole keys. A hash that PostgreSQL keeps the same over its versions.
  partition smallint NOT NULL GENERATED ALWAYS AS ((hashtextextended(key, 0) & 15)::smallint) STORED
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX seaworthy_outbox_by_topic ON seaworthy_outbox (topic, position);

CREATE TABLE seaworthy_outbox_sequences (
  topic text NOT NULL,
  key text NOT NULL,
  last bigint NOT NULL CHECK (last > 0),
  PRIMARY KEY (topic, key)
) WITH (fillfactor = 80);

-- For services in other languages: adds an event to the caller's transaction, and wakes the relay at its commit. Returns its number in the key.
CREATE FUNCTION seaworthy_outbox_add(
  topic text, key text, type text, version integer, data json,
  correlation_id text DEFAULT gen_random_uuid()::text, id text DEFAULT gen_random_uuid()::text
) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  -- A backslash is doubled in names, because NUL, which is allowed elsewhere, is written with one.
  stored_topic text := replace(seaworthy_outbox_add.topic, '\', '\\');
  stored_key text := replace(seaworthy_outbox_add.key, '\', '\\');
  taken bigint;
BEGIN
  INSERT INTO seaworthy_outbox_sequences AS s (topic, key, last) VALUES (stored_topic, stored_key, 1)
    ON CONFLICT (topic, key) DO UPDATE SET last = s.last + 1
    RETURNING s.last INTO taken;
  INSERT INTO seaworthy_outbox (topic, key, sequence, event, added_at_ms)
    VALUES (
      stored_topic, stored_key, taken,
      json_build_object(
        'id', seaworthy_outbox_add.id, 'type', seaworthy_outbox_add.type, 'version', seaworthy_outbox_add.version,
        'source', seaworthy_outbox_add.topic, 'key', seaworthy_outbox_add.key, 'sequence', 0,
        'time', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'correlationId', seaworthy_outbox_add.correlation_id, 'data', seaworthy_outbox_add.data
      ),
      floor(extract(epoch FROM clock_timestamp()) * 1000)
    );
  PERFORM pg_notify('seaworthy_outbox', stored_topic);
  RETURN taken;
END
$$;

INSERT INTO seaworthy_schema (component, version) VALUES ('seaworthy.outbox', 1);
