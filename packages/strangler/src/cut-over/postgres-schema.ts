import type { SchemaComponent } from '@seaworthy/postgres'

/** Tables of a cut-over's side on PostgreSQL, and the function of the triggers that refuse stray writes. */
export const cutOverPostgresSchema: SchemaComponent = {
  component: 'seaworthy.cut-over',
  versions: [
    `CREATE TABLE seaworthy_cut_over (
      name text PRIMARY KEY,
      side text NOT NULL CHECK (side IN ('old', 'new')),
      refuse integer NOT NULL,
      gate text NOT NULL,
      phase text NOT NULL DEFAULT 'old',
      epoch bigint NOT NULL DEFAULT 1,
      revision bigint NOT NULL DEFAULT 0,
      position bigint NOT NULL DEFAULT 0,
      copy_stage text NOT NULL DEFAULT 'none',
      copy_after text,
      switched_at bigint NOT NULL DEFAULT 0,
      closed_at bigint NOT NULL DEFAULT 0,
      captured_from bigint NOT NULL DEFAULT 0,
      verified_at_ms bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50);
    CREATE TABLE seaworthy_cut_over_keys (
      name text NOT NULL,
      kind text NOT NULL CHECK (kind IN ('held', 'parked')),
      key text NOT NULL,
      reason text NOT NULL,
      PRIMARY KEY (name, kind, key)
    );
    CREATE TABLE seaworthy_cut_over_changes (
      name text NOT NULL,
      position bigint NOT NULL,
      place integer NOT NULL,
      key text NOT NULL,
      source text NOT NULL,
      operation text NOT NULL,
      stray text NOT NULL,
      epoch bigint NOT NULL,
      PRIMARY KEY (name, position, place)
    );
    -- Called with the mapping's name and the key column. The feed says who it is, and passes.
    CREATE FUNCTION seaworthy_cut_over_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      side record;
      keys text[];
    BEGIN
      IF current_setting('seaworthy.feed', true) = TG_ARGV[0] THEN
        RETURN coalesce(NEW, OLD);
      END IF;
      SELECT gate, refuse INTO side FROM seaworthy_cut_over WHERE name = TG_ARGV[0];
      IF side.refuse = 1 AND side.gate <> 'open' THEN
        keys := ARRAY[to_jsonb(NEW) ->> TG_ARGV[1], to_jsonb(OLD) ->> TG_ARGV[1]];
        IF side.gate = 'closed' OR EXISTS (
          SELECT FROM seaworthy_cut_over_keys WHERE name = TG_ARGV[0] AND kind = 'held' AND key = ANY (keys)
        ) THEN
          RAISE EXCEPTION 'seaworthy cut-over: the other side owns %', TG_ARGV[0] USING ERRCODE = 'check_violation';
        END IF;
      END IF;
      RETURN coalesce(NEW, OLD);
    END $$`,
  ],
}
