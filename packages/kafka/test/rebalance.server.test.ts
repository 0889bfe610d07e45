import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SeaworthyError, constant, sleep, systemClock } from 'seaworthy/core'
import { type Consumer, type EventEnvelope, type LogReader, type LogRecord, type TopicPartition, startConsumer } from 'seaworthy/messaging'
import { inbox } from 'seaworthy/outbox'
import { inMemoryConsumerStore, inMemoryDatabase, inMemoryInboxStore } from '@seaworthy/testing'
import { after, drained, published } from './events.ts'
import { PausableClock } from './pausable-clock.ts'
import { logForTest } from './server.ts'

void suite('a consumer group on Kafka', () => {
  test('goes on with the partitions that stay while one that a new member gets is being let go', async (t) => {
    const { log, openAnother, dispose } = await logForTest({ revokeGraceMs: 60_000 })
    t.after(dispose)
    const told = Promise.withResolvers<readonly TopicPartition[]>()
    const letGo = Promise.withResolvers<void>()
    const onRevoke = (partitions: readonly TopicPartition[]) => {
      told.resolve(partitions)
      return letGo.promise
    }
    const first = await log.reader({ topics: ['alpha'], group: 'g', onRevoke })
    await log.append(
      'alpha',
      keys.map((key) => published(key, 1)),
    )
    const before = await drained(first)
    await first.commit(before.map(after))
    // It joins while the first one holds everything, and so has nothing yet.
    const joining = openAnother().then((another) => another.reader({ topics: ['alpha'], group: 'g' }))
    const leaving = await told.promise
    const leaves = ({ partition }: TopicPartition) => leaving.some((gone) => gone.partition === partition)
    const staying = before.filter((record) => !leaves(record)).length
    assert.ok(leaving.length > 0 && staying > 0, 'everything moved, or nothing')
    const second = await joining
    for (const n of [2, 3, 4]) {
      await log.append(
        'alpha',
        keys.map((key) => published(key, n)),
      )
      const records = await until(first, (seen) => seen.length >= staying)
      for (const record of records) assert.ok(!leaves(record), 'a partition that is being let go was read')
      await first.commit(records.map(after))
      assert.deepEqual(await second.poll({ max: 500, waitMs: 0 }), [], 'a partition had two readers')
    }
    letGo.resolve()
    const moved = await until(second, (seen) => seen.some(({ event }) => event.sequence === 4))
    assert.ok(moved.every(leaves))
    assert.deepEqual(
      new Set(moved.map(({ event }) => event.sequence)),
      new Set([2, 3, 4]),
      'what was committed came again, or something is missing',
    )
    // The partitions that stayed were not begun anew.
    await log.append(
      'alpha',
      keys.map((key) => published(key, 5)),
    )
    const stayed = await until(first, (seen) => seen.length > 0)
    assert.ok(stayed.every(({ event }) => event.sequence === 5))
  })

  test('has a new member whose part others still hold as soon as it is counted', { timeout: 120_000 }, async (t) => {
    const { log, openAnother, dispose } = await logForTest({ revokeGraceMs: 60_000 })
    t.after(dispose)
    const letGo = Promise.withResolvers<void>()
    await log.reader({ topics: ['alpha'], group: 'g', onRevoke: () => letGo.promise })
    // On whose clock no time passes: it would wait for ever for what it does not know to be held.
    const another = await openAnother({ clock: { ...systemClock, monotonicMs: () => 0 } })
    const second = await another.reader({ topics: ['alpha'], group: 'g' })
    await log.append(
      'alpha',
      keys.map((key) => published(key, 1)),
    )
    assert.deepEqual(await second.poll({ max: 500, waitMs: 0 }), [], 'a partition had two readers')
    letGo.resolve()
  })

  test('hands a partition over while its handler runs: the commit after it is refused, and the new reader handles the record in order', async (t) => {
    const { log, openAnother, dispose } = await logForTest({ revokeGraceMs: 50 })
    t.after(dispose)
    const database = inMemoryDatabase()
    const inboxStore = inMemoryInboxStore()
    const store = inMemoryConsumerStore()
    const effects: EventEnvelope[] = []
    const begun: { id: string; by: string }[] = []
    const held = Promise.withResolvers<void>()
    const consumer = async (by: string, of: typeof log): Promise<Consumer> => {
      const box = inbox({ store: inboxStore, database, consumer: 'history' })
      const handler = box.handle(async (event, tx) => {
        tx.afterCommit(() => effects.push(event))
      })
      return startConsumer({
        log: of,
        group: 'history',
        topics: ['alpha'],
        store,
        onPoison: 'park-key',
        backoff: constant(50),
        commitEveryMs: 10,
        pollWaitMs: 50,
        concurrencyMax: 64,
        handlerTimeoutMs: 120_000,
        handler: async (event, attempt) => {
          begun.push({ id: event.id, by })
          // Before the transaction, where a call to another service would stand still.
          if (by === 'first') await held.promise
          await handler(event, attempt)
        },
      })
    }
    const first = await consumer('first', log)
    t.after(() => first.stop())
    await log.append(
      'alpha',
      keys.flatMap((key) => [1, 2, 3].map((n) => published(key, n))),
    )
    await eventually(() => begun.length === keys.length)
    const second = await consumer('second', await openAnother())
    t.after(() => second.stop())
    // The second gets its part, though the first has not finished, and handles the three of each key.
    await eventually(() => effects.length > 0 && effects.length % 3 === 0 && second.status().uncommitted === 0)
    const byTheSecond = new Set(effects.map(({ key }) => key))
    assert.ok(byTheSecond.size < keys.length)
    held.resolve()
    await eventually(() => effects.length === keys.length * 3 && first.status().uncommitted === 0)
    await eventually(() => first.status().lastError !== undefined)
    assert.match(first.status().lastError!.message, /^PartitionRevokedError: This member of group history does not read alpha/)
    // Both began the first of each key that moved; its effect is there once, and in order.
    for (const key of keys) {
      assert.deepEqual(
        effects.filter((event) => event.key === key).map(({ sequence }) => sequence),
        [1, 2, 3],
      )
      const began = begun.filter(({ id }) => id === `${key}-1`).map(({ by }) => by)
      assert.deepEqual(began, byTheSecond.has(key) ? ['first', 'second'] : ['first'])
    }
    assert.equal(first.status().state, 'running')
  })

  test('refuses the commit of a member that it took for dead, and gives what that one had to the others', async (t) => {
    const { log, openAnother, dispose } = await logForTest({ partitions: 1 })
    t.after(dispose)
    const clock = new PausableClock()
    const lost: TopicPartition[] = []
    const onRevoke = async (partitions: readonly TopicPartition[]) => void lost.push(...partitions)
    const zombie = await (await openAnother({ clock })).reader({ topics: ['alpha'], group: 'g', onRevoke })
    await log.append('alpha', [published('a', 1), published('a', 2)])
    const records = await drained(zombie)
    assert.equal(records.length, 2)
    clock.stop()
    const heir = await log.reader({ topics: ['alpha'], group: 'g' })
    const inherited = await until(heir, (seen) => seen.length >= 2)
    assert.deepEqual(
      inherited.map(({ event }) => event.sequence),
      [1, 2],
    )
    await heir.commit([after(inherited[0]!)])
    // Its process goes on before it has heard of anything.
    await assert.rejects(
      zombie.commit([after(records[1]!)]),
      (error) => error instanceof SeaworthyError && error.code === 'partition-revoked' && error.executed === 'no',
    )
    assert.equal(await heir.lag(), 1, 'the commit of a dead member counted')
    clock.goOn()
    await eventually(() => lost.length === 1)
    await heir.commit([after(inherited[1]!)])
    // It is a member again, of which the other gets none of its part.
    await heir.close()
    await log.append('alpha', [published('a', 3)])
    assert.deepEqual(
      (await until(zombie, (seen) => seen.length > 0)).map(({ event }) => event.sequence),
      [3],
    )
  })

  test('cannot be moved while others read in it', async (t) => {
    const { log, openAnother, dispose } = await logForTest({ soleMemberWaitMs: 300 })
    t.after(dispose)
    const first = await log.reader({ topics: ['alpha'], group: 'g' })
    await log.append(
      'alpha',
      keys.map((key) => published(key, 1)),
    )
    await first.commit((await drained(first)).map(after))
    const second = await (await openAnother()).reader({ topics: ['alpha'], group: 'g' })
    await log.append(
      'alpha',
      keys.map((key) => published(key, 2)),
    )
    await until(second, (seen) => seen.length > 0)
    await assert.rejects(first.seek({ kind: 'earliest' }), { code: 'group-shared', executed: 'no' })
    // Both go on where they were.
    await second.close()
    const left = await until(first, (seen) => new Set(seen.map(({ event }) => event.id)).size >= keys.length)
    assert.ok(left.every(({ event }) => event.sequence === 2))
    await first.seek({ kind: 'earliest' })
    assert.equal((await drained(first)).length, keys.length * 2)
  })

  test('reads a topic that comes to be later from its beginning, also when it begins at the latest', async (t) => {
    const { openAnother, dispose } = await logForTest({ owns: [] })
    t.after(dispose)
    const reader = await (await openAnother()).reader({ topics: ['alpha'], group: 'g', from: 'latest' })
    assert.deepEqual(await reader.poll({ max: 10, waitMs: 0 }), [])
    const owner = await openAnother({ owns: ['alpha'] })
    await owner.append('alpha', [published('a', 1)])
    assert.equal((await until(reader, (seen) => seen.length > 0))[0]!.event.id, 'a-1')
  })
})

// A broker with Kafka's own settings takes a member for dead after 45 seconds.
const PATIENCE_MS = 120_000

const keys = Array.from({ length: 24 }, (_, index) => `key${index}`)

/** What comes until it is enough. */
async function until(reader: LogReader, enough: (seen: readonly LogRecord[]) => boolean): Promise<readonly LogRecord[]> {
  const seen: LogRecord[] = []
  const deadlineMs = systemClock.monotonicMs() + PATIENCE_MS
  while (!enough(seen)) {
    assert.ok(systemClock.monotonicMs() < deadlineMs, `only ${seen.length} records came`)
    seen.push(...(await reader.poll({ max: 500, waitMs: 100 })))
  }
  return seen
}

async function eventually(holds: () => boolean): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + PATIENCE_MS
  while (!holds()) {
    if (systemClock.monotonicMs() > deadlineMs) assert.fail(`It did not come true: ${holds.toString()}`)
    await sleep(systemClock, 10)
  }
}
