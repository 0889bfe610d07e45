import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { Client } from 'pg'
import { type StrayWrite, NotOwnerError, ownedWrites } from '@seaworthy/strangler/cut-over'
import { eventually } from '@seaworthy/testing'
import { type PostgresServer, startPostgres } from '../../../../test/servers/embedded-postgres.ts'
import { postgresSides, run } from './postgres-sides.ts'

const WITHIN = { withinMs: 60_000 }

let server: PostgresServer
before(
  async () =>
    void (server = await startPostgres({ settings: { wal_level: 'logical', max_replication_slots: '30', max_wal_senders: '30' } })),
)
after(() => server.stop())

const REVIEWS = 'SELECT id, product, stars, body FROM reviews ORDER BY id'
const NEW_REVIEWS = 'SELECT review_id, rating, text, helpful FROM review ORDER BY review_id'

void suite('the cut-over of a route on PostgreSQL', () => {
  test('what stood there is copied, and what is written meanwhile follows: updates, deletes, rows that change their entity', async (t) => {
    const { old, new: target, start } = await postgresSides(t, server)
    await run(
      old.database,
      "INSERT INTO reviews (id, product, stars, body) SELECT n, n % 3, 5, 'review ' || n FROM generate_series(1, 300) n",
    )
    await run(old.database, "INSERT INTO review_votes VALUES (1, 1, 'ada', 1), (2, 1, 'ben', 0), (3, 2, 'eve', 1)")
    const cutOver = start({ limits: { batchKeysMax: 50 } })
    await run(old.database, "UPDATE reviews SET body = 'changed' WHERE id = 300")
    await run(old.database, 'DELETE FROM reviews WHERE id = 299')
    await run(old.database, 'DELETE FROM review_votes WHERE id = 2')
    await run(old.database, 'UPDATE review_votes SET review_id = 4 WHERE id = 3')
    await eventually('it is ready', async () => (await cutOver.readiness()).ready, WITHIN)
    assert.equal((await cutOver.verify()).kind, 'equal')
    const rows = await target.database.query<{ review_id: string; text: string; helpful: number }>({ sql: NEW_REVIEWS })
    assert.equal(rows.length, 299)
    const by = new Map(rows.map((row) => [row.review_id, row]))
    assert.equal(by.get('300')!.text, 'changed')
    assert.deepEqual(
      ['1', '2', '4'].map((id) => by.get(id)!.helpful),
      [1, 0, 1],
    )
  })

  test('a table that is emptied at once is copied again', async (t) => {
    const { old, new: target, start } = await postgresSides(t, server)
    await run(old.database, "INSERT INTO reviews (id, product, stars, body) VALUES (1, '1', 5, 'one')")
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready, WITHIN)
    await run(old.database, 'TRUNCATE reviews CASCADE')
    await run(old.database, "INSERT INTO reviews (id, product, stars, body) VALUES (2, '1', 5, 'two')")
    await eventually(
      'only the second is there',
      async () => {
        const rows = await target.database.query<{ review_id: string }>({ sql: NEW_REVIEWS })
        return rows.length === 1 && rows[0]!.review_id === '2'
      },
      WITHIN,
    )
  })

  test('after a switch what the new side writes is fed back, strays are told, and a rollback ends where both have the same', async (t) => {
    const { old, new: target, start } = await postgresSides(t, server)
    await run(old.database, "INSERT INTO reviews (id, product, stars, body) VALUES (1, '1', 5, 'one'), (2, '1', 4, 'two')")
    const strays: StrayWrite[] = []
    const cutOver = start({ onStray: (stray) => strays.push(stray) })
    const owned = ownedWrites('reviews', target.database)
    const write = (id: string, text: string) =>
      target.database.transaction(async (tx) => {
        await owned.assertOwned(tx, id)
        await tx.execute({ sql: 'UPDATE review SET text = $2 WHERE review_id = $1', params: [id, text] })
      })
    await eventually('it is ready', async () => (await cutOver.readiness()).ready, WITHIN)
    await assert.rejects(write('1', 'too early'), NotOwnerError)
    await assert.rejects(run(target.database, "UPDATE review SET text = 'unasked'"), /the other side owns reviews/)
    await cutOver.switch()
    await write('1', 'on the new side')
    await eventually('it is fed back', async () => (await cutOver.status()).lag.changes === 0, WITHIN)
    await eventually(
      'the old side has it',
      async () => (await old.database.query<{ body: string }>({ sql: REVIEWS }))[0]!.body === 'on the new side',
      WITHIN,
    )
    assert.equal(strays.length, 0)
    await run(old.database, "UPDATE reviews SET body = 'stray' WHERE id = 2")
    await eventually('the stray is told', () => strays.length === 1, WITHIN)
    const told = strays.map(({ key, table, row }) => [key, table, (JSON.parse(row) as { body: string }).body])
    assert.deepEqual(told, [['2', 'reviews', 'stray']])
    await cutOver.rollBack()
    await eventually('the monolith owns it', async () => (await cutOver.status()).phase === 'old', WITHIN)
    await assert.rejects(write('1', 'too late'), NotOwnerError)
    await run(old.database, "UPDATE reviews SET body = 'old again' WHERE id = 1")
    await eventually(
      'the new side follows',
      async () => {
        const texts = (await target.database.query<{ text: string }>({ sql: NEW_REVIEWS })).map(({ text }) => text)
        return texts.join() === 'old again,stray'
      },
      WITHIN,
    )
    assert.equal((await cutOver.verify()).kind, 'equal')
  })

  test('a switch waits for a transaction that has written on the old side, and brings its rows over', async (t) => {
    const { old, new: target, start } = await postgresSides(t, server, { strayWrites: 'refuse' })
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready, WITHIN)
    const slow = new Client({ connectionString: old.url })
    await slow.connect()
    t.after(() => slow.end())
    await slow.query("BEGIN; INSERT INTO reviews (id, product, stars, body) VALUES (9, '1', 5, 'just in time')")
    const moving = cutOver.switch()
    await eventually('it is held', async () => (await cutOver.route()).write === 'hold', WITHIN)
    await slow.query('COMMIT')
    assert.equal((await moving).phase, 'new')
    assert.deepEqual(
      (await target.database.query<{ text: string }>({ sql: NEW_REVIEWS })).map(({ text }) => text),
      ['just in time'],
    )
    await assert.rejects(run(old.database, "INSERT INTO reviews (id, product, stars) VALUES (10, '1', 5)"), /the other side owns reviews/)
  })

  test('a replication session that is ended, and a cut-over that begins again, lose nothing', async (t) => {
    const { old, new: target, start } = await postgresSides(t, server)
    const first = start()
    await eventually('it is ready', async () => (await first.readiness()).ready, WITHIN)
    for (let id = 1; id <= 40; id++) {
      await run(old.database, 'INSERT INTO reviews (id, product, stars, body) VALUES ($1, $2, 5, $2)', id, String(id))
      if (id % 10 === 0)
        await run(old.database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seaworthy changes'")
    }
    await first.stop()
    await run(old.database, "UPDATE reviews SET body = 'while nobody fed' WHERE id = 7")
    const second = start()
    await eventually('all is there', async () => (await second.verify()).kind === 'equal', WITHIN)
    assert.equal((await target.database.query({ sql: NEW_REVIEWS })).length, 40)
  })

  test('a rollback loses no write that replication has not told of yet', async (t) => {
    const { old, new: target, start } = await postgresSides(t, server)
    await run(old.database, "INSERT INTO reviews (id, product, stars, body) VALUES (1, '1', 5, 'old')")
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready, WITHIN)
    await cutOver.switch()
    const end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seaworthy changes'"
    // Nobody tells of the write before the rollback begins, and for a while after.
    await target.database.transaction(async (tx) => {
      await tx.query({ sql: end })
      await tx.execute({ sql: "UPDATE review SET text = 'new'" })
    })
    const back = cutOver.rollBack()
    for (let times = 0; times < 50; times++) await run(target.database, end)
    await back
    await eventually('all is back', async () => (await cutOver.status()).phase === 'old', WITHIN)
    assert.deepEqual(await old.database.query({ sql: 'SELECT body FROM reviews' }), [{ body: 'new' }])
  })

  test('the server may forget what both sides have, also while nothing is written', async (t) => {
    const { old, start } = await postgresSides(t, server)
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready, WITHIN)
    const [row] = await old.database.query<{ lsn: string }>({ sql: 'SELECT pg_current_wal_lsn()::text AS lsn' })
    const sql = 'SELECT 1 AS there FROM pg_replication_slots WHERE database = current_database() AND confirmed_flush_lsn >= $1::pg_lsn'
    await eventually('the slot has moved on', async () => (await old.database.query({ sql, params: [row!.lsn] })).length === 1, WITHIN)
  })
})
