import { migrate, openPostgresQueue, queueSchema } from '@seaworthy/postgres'
import { VirtualClock, queueContract } from '@seaworthy/testing'
import { databaseForTest } from './server.ts'

// The server's clock as the test says: it stands still until time passes there.
const FREEZE = `CREATE TABLE frozen (now_ms bigint NOT NULL);
  INSERT INTO frozen VALUES (1700000000000);
  CREATE OR REPLACE FUNCTION seaworthy_now_ms() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT now_ms FROM frozen'`

queueContract('PostgreSQL', async () => {
  const { database, openAnother, connect, dispose } = await databaseForTest()
  await migrate(database, [queueSchema])
  await database.transaction((tx) => tx.script(FREEZE))
  const clock = new VirtualClock()
  const server = await connect()
  const options = { name: 'jobs', deliveryLimit: 3, dedupeWindowMs: 60_000, clock }
  return {
    queue: openPostgresQueue(database, options),
    pass: async (ms) => {
      await server.query('UPDATE frozen SET now_ms = now_ms + $1', [ms])
      await clock.advance(ms)
      // Whoever looked before, and waits since for a time that is over, looks again.
      await server.query("NOTIFY seaworthy_queue, 'jobs'")
    },
    crash: async () => openPostgresQueue(await openAnother(), options),
    dispose,
  }
})
