import type { Client } from 'pg'
import type { PostgresDatabase } from '@seaworthy/postgres'

const FREEZE = `CREATE TABLE frozen (now_ms bigint NOT NULL);
  INSERT INTO frozen VALUES (1700000000000);
  CREATE OR REPLACE FUNCTION seaworthy_now_ms() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT now_ms FROM frozen'`

/** Makes the server's clock, as the library sees it, stand still until time passes by the function that comes. */
export async function freezeServerClock(database: PostgresDatabase, session: Client): Promise<(ms: number) => Promise<void>> {
  await database.transaction((tx) => tx.script(FREEZE))
  return async (ms) => {
    await session.query('UPDATE frozen SET now_ms = now_ms + $1', [ms])
  }
}
