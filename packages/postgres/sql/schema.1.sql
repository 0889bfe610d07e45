-- Which version each component's tables are at. Comes before all others.
CREATE TABLE IF NOT EXISTS seaworthy_schema (
  component text PRIMARY KEY,
  version integer NOT NULL CHECK (version > 0),
  migrated_at timestamptz NOT NULL DEFAULT now()
);
