-- Lists of sagas by name, and what is kept of those that are over: `pruned_at_ms` says since when that is only what they came to.
ALTER TABLE seaworthy_sagas ADD COLUMN pruned_at_ms bigint;
CREATE INDEX seaworthy_sagas_by_saga ON seaworthy_sagas (saga, status, started_at_ms);
CREATE INDEX seaworthy_sagas_over ON seaworthy_sagas (updated_at_ms, id COLLATE "C") WHERE status IN ('completed', 'compensated') AND pruned_at_ms IS NULL;
CREATE INDEX seaworthy_sagas_pruned ON seaworthy_sagas (updated_at_ms, id COLLATE "C")
  WHERE status IN ('completed', 'compensated') AND pruned_at_ms IS NOT NULL;
CREATE INDEX seaworthy_saga_events_by_time ON seaworthy_saga_events (at_ms);

UPDATE seaworthy_schema SET version = 3 WHERE component = 'seaworthy.sagas';
