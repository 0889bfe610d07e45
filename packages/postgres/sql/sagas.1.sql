-- Sagas and their journals. `entries` counts a saga's journal: whoever adds to it holds the row until its transaction ends.
CREATE TABLE seaworthy_sagas (
  id text PRIMARY KEY,
  saga text NOT NULL,
  version integer NOT NULL,
  status text NOT NULL CHECK (status IN ('running', 'compensating', 'completed', 'compensated', 'parked')),
  input json NOT NULL,
  context json NOT NULL,
  reason text,
  started_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  entries integer NOT NULL DEFAULT 0
) WITH (fillfactor = 80);
CREATE INDEX seaworthy_sagas_unfinished ON seaworthy_sagas (started_at_ms, id) WHERE status IN ('running', 'compensating');
CREATE INDEX seaworthy_sagas_by_status ON seaworthy_sagas (status, started_at_ms);
CREATE INDEX seaworthy_sagas_by_start ON seaworthy_sagas (started_at_ms);

CREATE TABLE seaworthy_saga_journal (
  saga_id text NOT NULL REFERENCES seaworthy_sagas (id),
  number integer NOT NULL,
  entry json NOT NULL,
  PRIMARY KEY (saga_id, number)
);

INSERT INTO seaworthy_schema (component, version) VALUES ('seaworthy.sagas', 1);
