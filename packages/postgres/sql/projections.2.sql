-- Which version of a projection answers, of those that have tables of their own.
CREATE TABLE seaworthy_live_projections (
  projection text PRIMARY KEY,
  live integer NOT NULL,
  previous integer NOT NULL
);

UPDATE seaworthy_schema SET version = 2, migrated_at = now() WHERE component = 'seaworthy.projections';
