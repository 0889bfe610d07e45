-- Leases. A name is held until `expires_at_ms`, on the server's clock. Tokens come from one sequence, so that they grow also where a row was
-- deleted in between.
CREATE OR REPLACE FUNCTION seaworthy_now_ms() RETURNS bigint LANGUAGE sql STABLE AS
  'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

CREATE SEQUENCE seaworthy_lease_tokens;

CREATE TABLE seaworthy_leases (
  name text PRIMARY KEY,
  holder text NOT NULL,
  token bigint NOT NULL,
  expires_at_ms bigint NOT NULL
) WITH (fillfactor = 50);

INSERT INTO seaworthy_schema (component, version) VALUES ('seaworthy.leases', 1);
