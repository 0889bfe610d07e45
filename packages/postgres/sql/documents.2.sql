-- Documents that stand still, because an event could not be applied to them: by the position of that event, with those that wait behind it.
CREATE TABLE seaworthy_parked_documents (
  projection text NOT NULL,
  version integer NOT NULL,
  key text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  position bigint NOT NULL,
  waiting json NOT NULL,
  attempts integer NOT NULL,
  reason text NOT NULL,
  parked_at_ms bigint NOT NULL,
  PRIMARY KEY (projection, version, key)
);

UPDATE seaworthy_schema SET version = 2, migrated_at = now() WHERE component = 'seaworthy.documents';
