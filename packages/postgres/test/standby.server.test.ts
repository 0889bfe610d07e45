import assert from 'node:assert/strict'
import { type TestContext, after, before, suite, test } from 'node:test'
import { Client } from 'pg'
import { startRelay } from 'seaworthy/outbox'
import {
  createOutboxReplication,
  migrate,
  openPostgresDatabase,
  outboxStoreSchema,
  postgresOutboxStore,
  startReplicationWakeUp,
} from '@seaworthy/postgres'
import { eventually, inMemoryEventLog } from '@seaworthy/testing'
import { type StandbyPair, startStandbyPair } from '../../../test/servers/standby-pair.ts'

const WITHIN = { withinMs: 60_000 }
const ADD = `SELECT seaworthy_outbox_add('orders', 'a', 'counted', 1, '{"n": 1}')`

let pair: StandbyPair
before(async () => void (pair = await startStandbyPair()))
after(() => pair?.stop())

async function connected(t: TestContext, url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  t.after(() => client.end())
  return client
}

suite('logical replication beside a synchronous standby that is slow', () => {
  test('a commit whose log arrives before it is visible wakes the relay once it is, and is not acknowledged to the outbox before', async (t) => {
    const database = await openPostgresDatabase({ connection: pair.url })
    await migrate(database, [outboxStoreSchema])
    await createOutboxReplication(database)
    const wakeUp = startReplicationWakeUp({ database, connection: pair.url })
    const store = postgresOutboxStore(database, { wakeUp })
    const woken: string[] = []
    wakeUp.onAdded((topic) => woken.push(topic))
    const log = inMemoryEventLog()
    const relay = startRelay({ store, log, pollMs: 3_600_000 })
    t.after(async () => {
      await relay.stop()
      await wakeUp.stop()
      await database.close()
    })
    const sent = () =>
      log
        .partitions('orders')
        .flat()
        .map(({ event }) => event.sequence)
    await eventually('it streams', () => wakeUp.status().kind === 'streaming', WITHIN)
    const standby = await connected(t, pair.standbyUrl)
    const [writer, observer] = [await connected(t, pair.url), await connected(t, pair.url)]
    await standby.query('SELECT pg_wal_replay_pause()')
    await eventually(
      'the standby stands still',
      async () => {
        const { rows } = await standby.query<{ state: string }>('SELECT pg_get_wal_replay_pause_state() AS state')
        return rows[0]!.state === 'paused'
      },
      WITHIN,
    )
    let visible = false
    const committing = writer.query(ADD).then(() => (visible = true))
    const arrived = `SELECT FROM pg_replication_slots, pg_stat_activity a WHERE a.wait_event = 'SyncRep' AND confirmed_flush_lsn >= pg_current_wal_insert_lsn()`
    await eventually('the log of the commit has arrived', async () => (await observer.query(arrived)).rows.length > 0, WITHIN)
    // There is nothing to see yet.
    assert.deepEqual(await store.unsent('orders', 10), [])
    assert.equal(visible, false)
    assert.deepEqual(woken, [])
    assert.deepEqual(sent(), [])
    await standby.query('SELECT pg_wal_replay_resume()')
    await committing
    await eventually('it is sent', () => sent().length === 1, WITHIN)
    // By another language's client, in a transaction of its own.
    assert.equal(pair.psql(`BEGIN; ${ADD}; COMMIT`).trim(), '2')
    await eventually('the next is sent', () => sent().length === 2, WITHIN)
    assert.deepEqual(sent(), [1, 2])
  })
})
