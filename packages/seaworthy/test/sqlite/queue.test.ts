import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { ConfigurationError, LimitExceededError } from 'seaworthy/core'
import type { Queue } from 'seaworthy/messaging'
import { type SqliteQueueOptions, SqliteOwnedError, openSqliteQueue } from 'seaworthy/sqlite'
import { VirtualClock } from '@seaworthy/testing'
import { testFolder } from './folder.ts'

const HOUR_MS = 3_600_000

async function openQueue(t: TestContext, options: Partial<SqliteQueueOptions> = {}) {
  const queue = await openSqliteQueue({ path: join(testFolder(t), 'queue.db'), ...options })
  t.after(() => queue.close())
  return queue
}

const send = (queue: Queue, id: string, delayMs = 0) => queue.send({ id, body: null, context: { correlationId: 'c' }, delayMs })
const receive = (queue: Queue) => queue.receive({ max: 10, leaseMs: 1_000, waitMs: 0 })
const ready = async (queue: Queue) => (await receive(queue)).map(({ id }) => id)

test('a wall clock that jumps moves neither leases nor delays nor the dedupe window', async (t) => {
  const clock = new VirtualClock()
  const queue = await openQueue(t, { clock, dedupeWindowMs: 10_000 })
  await send(queue, 'leased')
  const [leased] = await receive(queue)
  await send(queue, 'delayed', 5_000)
  for (const jump of [-2 * HOUR_MS, 4 * HOUR_MS]) {
    clock.jumpWallClock(jump)
    assert.deepEqual(await ready(queue), [])
    await send(queue, 'leased')
  }
  await leased!.acknowledge()
  clock.jumpWallClock(-HOUR_MS)
  await clock.advance(5_000)
  assert.deepEqual(await ready(queue), ['delayed'])
})

test('a wall clock that was set back between two runs makes no delay longer than it was', async (t) => {
  const path = join(testFolder(t), 'queue.db')
  const clock = new VirtualClock()
  const before = await openQueue(t, { path, clock })
  await send(before, 'delayed', 5_000)
  await send(before, 'leased')
  await receive(before)
  await before.close()
  clock.jumpWallClock(-24 * HOUR_MS)
  const after = await openQueue(t, { path, clock })
  assert.deepEqual(await ready(after), ['leased'])
  await clock.advance(5_000)
  assert.ok((await ready(after)).includes('delayed'))
})

test('a delay goes on over a restart', async (t) => {
  const path = join(testFolder(t), 'queue.db')
  const clock = new VirtualClock()
  const before = await openQueue(t, { path, clock })
  await send(before, 'delayed', 5_000)
  await clock.advance(2_000)
  await before.close()
  const after = await openQueue(t, { path, clock })
  await clock.advance(2_990)
  assert.deepEqual(await ready(after), [])
  await clock.advance(10)
  assert.deepEqual(await ready(after), ['delayed'])
})

test('one process has the queue', async (t) => {
  const path = join(testFolder(t), 'queue.db')
  await openQueue(t, { path })
  await assert.rejects(openSqliteQueue({ path, ownershipWaitMs: 0 }), SqliteOwnedError)
})

test('the number of messages has a limit, dead letters included, over a restart too', async (t) => {
  const path = join(testFolder(t), 'queue.db')
  const first = await openQueue(t, { path, messagesMax: 3 })
  await send(first, 'a')
  const [a] = await receive(first)
  await a!.reject({ reason: 'hopeless', dead: true })
  await send(first, 'b')
  await send(first, 'b')
  await first.close()
  const second = await openQueue(t, { path, messagesMax: 3 })
  await send(second, 'c')
  await assert.rejects(send(second, 'd'), (error) => error instanceof LimitExceededError && /messagesMax/.test(error.message))
  const [b] = await receive(second)
  await b!.acknowledge()
  await send(second, 'd')
})

test('ids are forgotten after the window, so that the table does not grow for ever', async (t) => {
  const path = join(testFolder(t), 'queue.db')
  const clock = new VirtualClock()
  const queue = await openQueue(t, { path, clock, dedupeWindowMs: 1_000 })
  for (let index = 0; index < 50; index++) await send(queue, `old ${index}`)
  await clock.advance(1_000)
  for (let index = 0; index < 30; index++) await send(queue, `new ${index}`)
  await queue.close()
  const file = new DatabaseSync(path, { readOnly: true })
  assert.equal(file.prepare('SELECT count(*) AS n FROM seen').get()!['n'], 30)
  file.close()
})

test('a message that cannot be read is set aside with what lay there, and the others come', async (t) => {
  const path = join(testFolder(t), 'queue.db')
  const first = await openQueue(t, { path })
  await send(first, 'damaged')
  await send(first, 'good')
  await first.close()
  const file = new DatabaseSync(path)
  file.exec(`UPDATE message SET body = '{"half' WHERE id = 'damaged'`)
  file.close()
  const second = await openQueue(t, { path })
  assert.deepEqual(await ready(second), ['good'])
  const [dead] = await second.deadLetters({ max: 10 })
  assert.equal(dead!.id, 'damaged')
  assert.equal(dead!.body, '{"half')
  assert.match(dead!.reason, /cannot be read/)
})

test('what makes no sense is refused', async (t) => {
  const queue = await openQueue(t, { bodyBytesMax: 100 })
  await assert.rejects(send(queue, 'm', -1), ConfigurationError)
  await assert.rejects(send(queue, 'm', Number.NaN), ConfigurationError)
  await assert.rejects(queue.send({ id: 'm', body: undefined, context: { correlationId: 'c' } }), /no JSON value/)
  await assert.rejects(queue.send({ id: 'm', body: 'ø'.repeat(50), context: { correlationId: 'c' } }), LimitExceededError)
  await assert.rejects(queue.receive({ max: 0, leaseMs: 1_000, waitMs: 0 }), ConfigurationError)
  await assert.rejects(queue.receive({ max: 1, leaseMs: 0, waitMs: 0 }), ConfigurationError)
  await assert.rejects(openSqliteQueue({ path: join(testFolder(t), 'queue.db'), deliveryLimit: 0 }), ConfigurationError)
})
