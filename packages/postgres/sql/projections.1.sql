-- Where each version of a projection is, in the database of its read model.
CREATE TABLE seaworthy_projections (
  projection text NOT NULL,
  version integer NOT NULL,
  checkpoint bigint NOT NULL,
  PRIMARY KEY (projection, version)
) WITH (fillfactor = 50);

INSERT INTO seaworthy_schema (component, version) VALUES ('seaworthy.projections', 1);
