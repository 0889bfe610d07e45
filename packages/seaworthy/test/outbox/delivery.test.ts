import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, suite, test } from 'node:test'
import { eventually } from '@seaworthy/testing'
import { seededRandom } from 'seaworthy/core'
import type { EventLog } from 'seaworthy/messaging'
import { type Listener, type Publisher, committed, effectCount, effects, openListener, openLog, openPublisher, promised } from './shop.ts'

interface Stage {
  readonly publisher: Publisher
  readonly listener: Listener
  readonly log: EventLog
}

async function stage(t: TestContext, options = { concurrencyMax: 1 }): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-delivery-'))
  const publisher = await openPublisher(folder)
  const listener = await openListener(folder, options)
  const log = await openLog(folder, ['things'])
  t.after(async () => {
    await log.close()
    await publisher.database.close()
    await listener.database.close()
    rmSync(folder, { recursive: true })
  })
  return { publisher, listener, log }
}

/** Waits until every committed number has had its effect, and checks that it had it once and in order. */
async function everyEffectOnce({ publisher, listener }: Stage): Promise<void> {
  const counters = await committed(publisher.database)
  const total = Object.values(counters).reduce((sum, n) => sum + n, 0)
  assert.ok(total > 0)
  await eventually('every effect is there', async () => (await effectCount(listener.database)) >= total, { withinMs: 20_000 })
  assert.deepEqual(await effects(listener.database), promised(counters))
}

void suite('an event on its way from one SQLite database to another', () => {
  for (const concurrencyMax of [1, 8]) {
    test(`has one effect for each commit, in order, none for a rollback, with ${concurrencyMax} at a time`, async (t) => {
      const here = await stage(t, { concurrencyMax })
      const { publisher, listener, log } = here
      const relay = publisher.startRelay(log)
      const consumer = await listener.start(log)
      const random = seededRandom(concurrencyMax)
      const writers = Array.from({ length: 200 }, async () => {
        const fails = random.float() < 0.2
        await publisher
          .count(`key-${Math.floor(random.float() * 6)}`, { fails })
          .catch((error: unknown) => assert.match(String(error), /rolled back/))
      })
      await Promise.all(writers)
      await everyEffectOnce(here)
      await relay.stop()
      await consumer.stop()
      const { messages } = await publisher.store.backlog()
      assert.deepEqual({ messages, state: consumer.status().state }, { messages: 0, state: 'stopped' })
    })
  }

  test('and the relay dies between the append and the marking: it is sent twice, and has one effect', async (t) => {
    const here = await stage(t)
    const { publisher, listener, log } = here
    for (let n = 0; n < 20; n++) await publisher.count(`key-${n % 2}`)
    const markSent = publisher.store.markSent.bind(publisher.store)
    let died = 0
    publisher.store.markSent = async () => {
      died++
      throw new Error('the process died here')
    }
    const crashed = publisher.startRelay(log)
    await eventually('the relay died after its append', () => died > 0)
    await crashed.stop()
    publisher.store.markSent = markSent
    const relay = publisher.startRelay(log)
    const consumer = await listener.start(log)
    await everyEffectOnce(here)
    await relay.stop()
    const [topic] = await log.topics()
    assert.ok(topic!.records > 20, 'nothing was sent twice: the fault did not fire')
    await eventually('the duplicates are read', async () => (await log.topics())[0]!.groups[0]?.lag === 0)
    await consumer.stop()
    assert.equal(await effectCount(listener.database), 20)
  })

  test('and the consumer dies between the handler’s commit and the offset’s: it comes again, and has one effect', async (t) => {
    const here = await stage(t)
    const { publisher, listener, log } = here
    for (let n = 0; n < 20; n++) await publisher.count(`key-${n % 2}`)
    const relay = publisher.startRelay(log)
    let died = 0
    const reader: EventLog['reader'] = async (options) => {
      const inner = await log.reader(options)
      return {
        poll: (polling) => inner.poll(polling),
        seek: (to) => inner.seek(to),
        lag: () => inner.lag(),
        close: () => inner.close(),
        commit: () => {
          died++
          return Promise.reject(new Error('the process died here'))
        },
      }
    }
    const crashed = await listener.start({ ...forwarding(log), reader })
    await eventually('the consumer died after its handlers', async () => died > 0 && (await effectCount(listener.database)) === 20)
    await crashed.stop()
    const consumer = await listener.start(log)
    await eventually('all is read again', async () => (await log.topics())[0]!.groups[0]?.lag === 0)
    await everyEffectOnce(here)
    await consumer.stop()
    await relay.stop()
  })

  test('and a message that cannot be handled waits with its key until it is requeued', async (t) => {
    const here = await stage(t)
    const { publisher, listener, log } = here
    await publisher.database.transaction((tx) => publisher.box.add(tx, { ...published('key-0'), version: 9 }))
    for (let n = 0; n < 6; n++) await publisher.count(`key-${n % 2}`)
    const relay = publisher.startRelay(log)
    const consumer = await listener.start(log)
    await eventually('all is read', async () => (await log.topics())[0]!.groups[0]?.lag === 0)
    assert.deepEqual(await effects(listener.database), { 'key-1': [1, 2, 3] })
    const letters = await listener.store.deadLetters('listener', { topic: 'things', key: 'key-0', max: 10 })
    assert.deepEqual(
      letters.map(({ kind, event: { sequence } }) => [kind, sequence]),
      [
        ['parked', 1],
        ['held', 2],
        ['held', 3],
        ['held', 4],
      ],
    )
    // A person gives it up; the rest goes on, behind the gap that this leaves.
    await listener.store.resolve(letters[0]!)
    assert.deepEqual(await consumer.requeue({ topic: 'things', key: 'key-0' }), { handled: 3, failed: 0 })
    assert.deepEqual(await effects(listener.database), { 'key-0': [1, 2, 3], 'key-1': [1, 2, 3] })
    await consumer.stop()
    await relay.stop()
  })
})

function published(key: string) {
  const event = { id: `poison of ${key}`, type: 'thing.counted', version: 1, source: 'things', key, sequence: 0 }
  return { ...event, time: '2026-01-01T00:00:00Z', correlationId: 'c', data: { key, n: 0 } }
}

function forwarding(log: EventLog): Omit<EventLog, 'reader'> {
  return { append: log.append.bind(log), topics: log.topics.bind(log), close: log.close.bind(log) }
}
