import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { LimitExceededError } from 'seaworthy/core'
import { type EventEnvelope, type LogReader, type LogRecord, GroupTakenError } from 'seaworthy/messaging'
import { type SqliteEventLogOptions, SqliteOwnedError, openSqliteEventLog } from 'seaworthy/sqlite'
import { VirtualClock, eventually } from '@seaworthy/testing'
import { partitionOf } from '../../src/sqlite/topic-file.ts'
import { testFolder } from './folder.ts'

const event = (id: string, key = 'k'): EventEnvelope => ({
  id,
  type: 'thing.happened',
  version: 1,
  source: 'orders',
  key,
  sequence: 1,
  time: '2026-01-01T00:00:00.000Z',
  correlationId: 'c',
  data: {},
})
const events = (count: number, key?: string) => Array.from({ length: count }, (_, index) => event(`e${index}`, key ?? `key ${index}`))

async function openLog(t: TestContext, options: Partial<SqliteEventLogOptions> = {}) {
  const log = await openSqliteEventLog({ directory: testFolder(t), owns: ['orders'], ...options })
  t.after(() => log.close())
  return log
}

async function drain(reader: LogReader): Promise<readonly LogRecord[]> {
  const all: LogRecord[] = []
  for (;;) {
    const records = await reader.poll({ max: 100, waitMs: 0 })
    if (records.length === 0) return all
    all.push(...records)
  }
}

const after = ({ topic, partition, offset }: LogRecord) => ({ topic, partition, offset: offset + 1 })

/** The warnings of this process with a code, while the test runs. */
function warnings(t: TestContext, code: string): Error[] {
  const seen: Error[] = []
  const listener = (warning: Error & { code?: string }) => {
    if (warning.code === code) seen.push(warning)
  }
  process.on('warning', listener)
  t.after(() => process.off('warning', listener))
  return seen
}

test('the partition of a key is the same for ever', () => {
  // The hashes that the authors of FNV-1a publish: 811c9dc5, e40c292c and bf9cf968; modulo 1,024.
  assert.deepEqual(
    ['', 'a', 'foobar'].map((key) => partitionOf(key, 1_024)),
    [0x1c5, 0x12c, 0x168],
  )
})

test('a reader waits for a topic that is created later, and begins it at its first record', async (t) => {
  const directory = testFolder(t)
  const consumer = await openLog(t, { directory, owns: [] })
  for (const from of ['earliest', 'latest'] as const) {
    const reader = await consumer.reader({ topics: ['orders'], group: from, from })
    assert.equal(await reader.lag(), 0)
    const polling = reader.poll({ max: 10, waitMs: 10_000 })
    const owner = await openLog(t, { directory })
    await owner.append('orders', [event(from)])
    assert.deepEqual(
      (await polling).map((record) => record.event.id),
      [from],
    )
    await reader.close()
    await owner.close()
    for (const file of readdirSync(directory)) if (file.startsWith('orders')) rmSync(join(directory, file))
  }
})

test('a group has one member; the next may come when it has gone', async (t) => {
  const log = await openLog(t, { ownershipWaitMs: 0 })
  const first = await log.reader({ topics: ['orders'], group: 'g' })
  await assert.rejects(
    log.reader({ topics: ['orders'], group: 'g' }),
    (error) => error instanceof GroupTakenError && error.code === 'group-taken',
  )
  await first.close()
  await (await log.reader({ topics: ['orders'], group: 'g' })).close()
})

test('a topic has one owner', async (t) => {
  const directory = testFolder(t)
  await openLog(t, { directory })
  await assert.rejects(openSqliteEventLog({ directory, owns: ['other', 'orders'], ownershipWaitMs: 0 }), SqliteOwnedError)
  // What it had taken before it failed is free again.
  await openLog(t, { directory, owns: ['other'], ownershipWaitMs: 0 })
})

test('a commit whose bell never rang is found all the same', async (t) => {
  const directory = testFolder(t)
  const owner = await openLog(t, { directory, partitions: 1 })
  const consumer = await openLog(t, { directory, owns: [] })
  const reader = await consumer.reader({ topics: ['orders'], group: 'g' })
  const polling = reader.poll({ max: 10, waitMs: 10_000 })
  // It has looked and found nothing.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  // What a writer leaves that dies between COMMIT and bell.
  const writer = new DatabaseSync(join(directory, 'orders.topic'))
  writer.exec(`BEGIN;
    INSERT INTO record (partition, offset, appended_at_ms, event) VALUES (0, 0, 1, '${JSON.stringify(event('silent'))}');
    UPDATE partition SET next_offset = 1;
    COMMIT`)
  writer.close()
  assert.equal((await polling)[0]!.event.id, 'silent')
  await owner.close()
})

test('what is no event is handed on as it lies, once, and what comes after it too', async (t) => {
  const directory = testFolder(t)
  const log = await openLog(t, { directory, partitions: 1 })
  await log.append('orders', [event('before'), event('damaged'), event('after')])
  const writer = new DatabaseSync(join(directory, 'orders.topic'))
  writer.exec(`UPDATE record SET event = '{"half' WHERE offset = 1`)
  writer.close()
  const records = await drain(await log.reader({ topics: ['orders'], group: 'g' }))
  assert.deepEqual(
    records.map((record) => record.event.id),
    ['before', undefined, 'after'],
  )
  assert.equal(records[1]!.event, '{"half')
})

test('a log that was created anew under the same name is read from its start, and the operator is told', async (t) => {
  const directory = testFolder(t)
  const offsetsDirectory = testFolder(t)
  const seen = warnings(t, 'SEAWORTHY_LOG_CHANGED')
  for (const round of ['first', 'second']) {
    const log = await openSqliteEventLog({ directory, offsetsDirectory, owns: ['orders'], partitions: 1 })
    await log.append('orders', [event(`${round} 1`), event(`${round} 2`), event(`${round} 3`)])
    const reader = await log.reader({ topics: ['orders'], group: 'g' })
    const records = await drain(reader)
    assert.deepEqual(
      records.map((record) => record.event.id),
      [`${round} 1`, `${round} 2`, `${round} 3`],
    )
    await reader.commit(records.map(after))
    await log.close()
    rmSync(directory, { recursive: true })
  }
  await eventually('the operator was told', () => seen.length === 1)
})

test('an existing topic keeps its number of partitions', async (t) => {
  const directory = testFolder(t)
  const first = await openLog(t, { directory, partitions: 3 })
  await first.append('orders', events(20))
  await first.close()
  const second = await openLog(t, { directory, partitions: 16 })
  await second.append('orders', events(20))
  const [status] = await second.topics()
  assert.equal(status!.partitions, 3)
  const records = await drain(await second.reader({ topics: ['orders'], group: 'g' }))
  for (const key of new Set(records.map((record) => record.event.key))) {
    assert.equal(new Set(records.filter((record) => record.event.key === key).map((record) => record.partition)).size, 1)
  }
})

test('an event beyond the limit is refused, and its batch with it', async (t) => {
  const log = await openLog(t, { recordBytesMax: 1_000 })
  await assert.rejects(
    log.append('orders', [event('small'), { ...event('large'), data: 'ø'.repeat(500) }]),
    (error) => error instanceof LimitExceededError && error.final && /recordBytesMax/.test(error.message),
  )
  assert.equal((await log.topics())[0]!.records, 0)
})

test('names that would leave the folder are refused', async (t) => {
  const directory = testFolder(t)
  for (const topic of ['../escape', 'a/b', '', '.hidden', 'x'.repeat(200)]) {
    await assert.rejects(openSqliteEventLog({ directory, owns: [topic] }), /cannot name a topic/)
  }
  const log = await openLog(t, { directory })
  await assert.rejects(log.reader({ topics: ['orders'], group: '../escape' }), /cannot name a group/)
})

test('times do not go back within a partition, so that a seek by time finds its place when the wall clock was set back', async (t) => {
  const clock = new VirtualClock()
  const log = await openLog(t, { clock, partitions: 1 })
  const start = clock.now()
  await log.append('orders', [event('one')])
  await clock.advance(1_000)
  await log.append('orders', [event('two')])
  clock.jumpWallClock(-3_600_000)
  await log.append('orders', [event('three')])
  const reader = await log.reader({ topics: ['orders'], group: 'g' })
  const seekTo = async (epochMs: number) => {
    await reader.seek({ kind: 'time', epochMs })
    return (await drain(reader)).map((record) => record.event.id)
  }
  assert.deepEqual(await seekTo(start), ['one', 'two', 'three'])
  assert.deepEqual(await seekTo(start + 1), ['two', 'three'])
  assert.deepEqual(await seekTo(start + 1_001), [])
})

test('retention deletes what is over the number, but nothing that a group has not committed', async (t) => {
  const clock = new VirtualClock()
  const log = await openLog(t, { clock, partitions: 1, retain: { maxRecords: 10, everyMs: 60_000 } })
  await log.append('orders', events(2_000))
  const reader = await log.reader({ topics: ['orders'], group: 'slow' })
  const records = await drain(reader)
  await reader.commit([after(records[1_233]!)])
  const stored = async () => (await log.topics())[0]!
  await clock.advance(60_000)
  await eventually('what the group does not need was deleted', async () => (await stored()).records === 766)
  assert.deepEqual((await stored()).groups, [{ group: 'slow', lag: 766 }])
  await reader.commit(records.map(after))
  // The next look is asked for when the last has ended.
  await eventually('only the newest are left', async () => {
    await clock.advance(60_000)
    return (await stored()).records === 10
  })
  await log.append('orders', [event('next')])
  assert.deepEqual(
    (await drain(reader)).map((record) => record.offset),
    [2_000],
  )
})

test('retention deletes what is over the age', async (t) => {
  const clock = new VirtualClock()
  const log = await openLog(t, { clock, partitions: 2, retain: { maxAgeMs: 3_600_000, everyMs: 60_000 } })
  await log.append('orders', events(30))
  await clock.advance(1_800_000)
  await log.append('orders', events(20))
  await clock.advance(1_790_000)
  assert.equal((await log.topics())[0]!.records, 50)
  await eventually('the old ones are gone', async () => {
    await clock.advance(10_000)
    return (await log.topics())[0]!.records === 20
  })
})

test('retention that was told so deletes what was not read, and the group is warned when it comes back', async (t) => {
  const clock = new VirtualClock()
  const seen = warnings(t, 'SEAWORTHY_LOG_CHANGED')
  const log = await openLog(t, { clock, partitions: 1, retain: { maxRecords: 5, everyMs: 60_000, evenUnread: true } })
  await log.append('orders', events(50))
  const reader = await log.reader({ topics: ['orders'], group: 'gone' })
  await clock.advance(60_000)
  await eventually('only the newest are left', async () => (await log.topics())[0]!.records === 5)
  assert.equal(await reader.lag(), 5)
  assert.deepEqual(
    (await drain(reader)).map((record) => record.offset),
    [45, 46, 47, 48, 49],
  )
  await eventually('the group was warned', () => seen.length === 1)
  assert.match(seen[0]!.message, /Records 0 to 44 of orders\/0/)
})

test('a closed log leaves no timer behind', async (t) => {
  const clock = new VirtualClock()
  const log = await openLog(t, { clock, retain: { maxRecords: 5 } })
  const reader = await log.reader({ topics: ['orders', 'later'], group: 'g' })
  const polling = reader.poll({ max: 1, waitMs: 10_000 })
  const ended = assert.rejects(polling)
  await log.close()
  await ended
  assert.deepEqual(clock.pending, [])
})
