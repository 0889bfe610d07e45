-- Streams that are archived take no appends, and readers of all streams leave them out. Snapshots know when they were taken.
ALTER TABLE seaworthy_streams ADD COLUMN archived_at_ms bigint;
CREATE INDEX seaworthy_streams_archived ON seaworthy_streams (stream) WHERE archived_at_ms IS NOT NULL;
ALTER TABLE seaworthy_snapshots ADD COLUMN taken_at_ms bigint NOT NULL DEFAULT 0;

-- Fails the transaction of an append whose COMMIT is already on its way.
CREATE FUNCTION seaworthy_refuse_append() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the append was refused' USING ERRCODE = 'SW001';
END
$$;

UPDATE seaworthy_schema SET version = 2, migrated_at = now() WHERE component = 'seaworthy.event-store';
