-- Read models as documents, each version of a projection with its own, in the database of the queries.
CREATE TABLE seaworthy_documents (
  projection text NOT NULL,
  version integer NOT NULL,
  key text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  document jsonb NOT NULL,
  list text,
  place bigint,
  PRIMARY KEY (projection, version, key)
);
CREATE INDEX seaworthy_documents_by_list ON seaworthy_documents (projection, version, list, place, key) WHERE list IS NOT NULL;

CREATE TABLE seaworthy_document_checkpoints (
  projection text NOT NULL,
  version integer NOT NULL,
  name text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (projection, version, name)
) WITH (fillfactor = 50);

CREATE TABLE seaworthy_live_versions (
  projection text PRIMARY KEY,
  live integer NOT NULL,
  previous integer NOT NULL
);

INSERT INTO seaworthy_schema (component, version) VALUES ('seaworthy.documents', 1);
