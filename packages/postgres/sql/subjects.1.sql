-- Keys of subjects whose personal fields are encrypted, and which streams hold them.
CREATE TABLE seaworthy_subject_keys (
  subject text PRIMARY KEY,
  -- Without a key: forgotten.
  key bytea CHECK (key IS NULL OR length(key) = 32),
  forgotten_at_ms bigint CHECK ((key IS NULL) = (forgotten_at_ms IS NOT NULL))
);
-- ANALYZE would copy keys into pg_statistic.
ALTER TABLE seaworthy_subject_keys ALTER COLUMN key SET STATISTICS 0;

CREATE TABLE seaworthy_subject_streams (
  subject text NOT NULL,
  stream text NOT NULL,
  PRIMARY KEY (subject, stream)
);
CREATE INDEX seaworthy_subject_streams_by_stream ON seaworthy_subject_streams (stream);

INSERT INTO seaworthy_schema (component, version) VALUES ('seaworthy.subjects', 1);
