-- What a service remembers of the saga steps that it took part in.
CREATE TABLE seaworthy_participant (
  key text PRIMARY KEY,
  record json NOT NULL,
  updated_at_ms bigint NOT NULL
);
CREATE INDEX seaworthy_participant_by_age ON seaworthy_participant (updated_at_ms);

INSERT INTO seaworthy_schema (component, version) VALUES ('seaworthy.participant', 1);
