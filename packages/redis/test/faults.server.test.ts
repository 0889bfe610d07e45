import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { SeaworthyError, UnavailableError } from 'seaworthy/core'
import { startDocumentProjection } from 'seaworthy/projections'
import { eventStoreSchema, migrate, openSqliteDatabase, sqliteEventStore } from 'seaworthy/sqlite'
import { openRedisReadStore } from '@seaworthy/redis'
import { eventually } from '@seaworthy/testing'
import { startRedis } from '../../../test/servers/redis.ts'
import { counts } from './fixtures/counts.ts'
import { freshPrefix, redisUrl } from './server.ts'

const EVENTS = 1_500
const ACCOUNTS = 7

async function eventStore(t: { after: (end: () => Promise<void>) => void }) {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-redis-test-'))
  const path = join(folder, 'events.db')
  const database = await openSqliteDatabase({ path, durability: 'process-crash' })
  t.after(async () => {
    await database.close()
    rmSync(folder, { recursive: true })
  })
  await migrate(database, [eventStoreSchema])
  const source = sqliteEventStore(database)
  const append = (from: number, to: number) =>
    database.transaction(async (tx) => {
      for (let n = from; n < to; n++) {
        const event = { id: `e${n}`, type: 'counted', schemaVersion: 1, data: {}, context: { correlationId: 'c' } }
        await source.append(tx, `account-${n % ACCOUNTS}`, [event], 'any')
      }
    })
  return { path, source, append }
}

suite('documents in Redis', () => {
  test('a worker that is killed again and again neither repeats an event nor loses one', async (t) => {
    const { path, source, append } = await eventStore(t)
    await append(0, EVENTS)
    const url = await redisUrl()
    const prefix = freshPrefix()
    const store = await openRedisReadStore({ url, prefix })
    t.after(() => store.close())
    const position = async () => (await store.load({ projection: 'counts', version: 1 }, { checkpoint: '0/1', keys: [] })).position
    let kills = 0
    for (let reached = 0; reached < EVENTS;) {
      const worker = fork(new URL('fixtures/worker.ts', import.meta.url), [path, url, prefix], {
        execArgv: ['--disable-warning=ExperimentalWarning', '--conditions=source'],
      })
      const ended = once(worker, 'exit')
      const before = reached
      await eventually('it gets on', async () => (reached = await position()) >= Math.min(EVENTS, before + 400), { withinMs: 30_000 })
      worker.kill('SIGKILL')
      await ended
      kills++
      reached = await position()
    }
    assert.ok(kills >= 3, `${kills} kills`)
    assert.equal(await source.head(), EVENTS)
    const { documents } = await store.list('counts', { in: 'all', offset: 0, max: 100 })
    const seen = documents.map(({ document }) => document as { events: number })
    assert.equal(documents.length, ACCOUNTS)
    assert.equal(seen.reduce((sum, { events }) => sum + events, 0), EVENTS) // prettier-ignore
  })

  test('a server that is killed and comes back has what it acknowledged; its projection says that it fails, and goes on', async (t) => {
    const { source, append } = await eventStore(t)
    const server = await startRedis()
    t.after(() => server.stop())
    const store = await openRedisReadStore({ url: server.url })
    t.after(() => store.close())
    const running = startDocumentProjection({ projection: counts, source, store, batchSizeMax: 10, pollMs: 10 })
    t.after(() => running.stop())
    await append(0, 500)
    await eventually('it has begun', async () => (await running.lag()).checkpoint >= 100)
    await server.kill('KILL')
    await append(500, 700)
    await eventually('it says so', () => running.partitions.get(0)?.kind === 'failing')
    await assert.rejects(store.find('counts', 'account-1'), (error) => {
      assert.ok(error instanceof SeaworthyError && error.executed === 'no', String(error))
      return true
    })
    await server.start()
    await eventually('it has caught up', () => running.lag().then(({ positions }) => positions === 0, () => false), { withinMs: 30_000 }) // prettier-ignore
    const { documents } = await store.list('counts', { in: 'all', offset: 0, max: 100 })
    assert.equal(documents.reduce((sum, { document }) => sum + (document as { events: number }).events, 0), 700) // prettier-ignore
  })

  test('a server that cannot be reached is said at once', async () => {
    await assert.rejects(openRedisReadStore({ url: 'redis://127.0.0.1:1' }), (error) => {
      assert.ok(error instanceof UnavailableError, String(error))
      return true
    })
  })
})
