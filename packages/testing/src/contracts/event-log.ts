import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SeaworthyError, seededRandom } from 'seaworthy/core'
import type { EventEnvelope, EventLog, LogReader, LogRecord, Position } from 'seaworthy/messaging'
import { oneMemberContract, severalMembersContract } from './event-log-groups.ts'
import { withFresh } from './with-fresh.ts'

/** One event log of the engine under test, in which the topics `alpha` and `beta` may be appended to, and `foreign` may not. */
export interface EventLogUnderTest {
  readonly log: EventLog
  /** Waits until `ms` have passed on the log's clock. */
  readonly pass: (ms: number) => Promise<void>
  /** Milliseconds since the epoch on the log's clock. */
  readonly nowMs: () => number
  /** What another process finds that takes over after this one died at this moment, without a chance to close. Absent: it cannot be simulated here. */
  readonly crash?: () => Promise<EventLog>
  /** Another process's handle on the log, which goes with it. For engines whose groups have several members. */
  readonly another?: () => Promise<EventLog>
  readonly dispose: () => Promise<void>
}

export interface EventLogContractOptions {
  /** Whether a consumer group has one member, as on embedded storage, or several who share its partitions. Default `one-member`. */
  readonly groups?: 'one-member' | 'several-members'
}

/**
 * What every `EventLog` must do, as tests of node:test.
 * @param open makes a fresh log for each test
 */
export function eventLogContract(name: string, open: () => Promise<EventLogUnderTest>, options: EventLogContractOptions = {}): void {
  const check = (sentence: string, body: (log: EventLog, under: EventLogUnderTest) => Promise<void>) => {
    void test(sentence, () => withFresh(open, (under) => body(under.log, under)))
  }

  void suite(`event log contract: ${name}`, () => {
    check('records of a key come in the order of their appends, in one partition, without gaps', async (log) => {
      for (let round = 0; round < 5; round++)
        await log.append(
          'alpha',
          ['x', 'y', 'z'].map((key) => event(`${key}${round}`, key)),
        )
      const reader = await log.reader({ topics: ['alpha'], group: 'g' })
      const records = await drain(reader)
      for (const key of ['x', 'y', 'z']) {
        const ofKey = records.filter((record) => record.event.key === key)
        assert.deepEqual(
          ofKey.map((record) => record.event.id),
          [0, 1, 2, 3, 4].map((round) => `${key}${round}`),
        )
        assert.equal(new Set(ofKey.map((record) => record.partition)).size, 1)
      }
      assertGapless(records)
    })

    check('concurrent appends keep the order of each caller, and lose and repeat nothing', async (log) => {
      for (let seed = 1; seed <= 15; seed++) {
        const random = seededRandom(seed)
        const upTo = (max: number) => 1 + Math.floor(random.float() * max)
        const callers = Array.from({ length: upTo(5) }, () => Array.from({ length: upTo(6) }, () => upTo(4)))
        const reader = await log.reader({ topics: ['alpha'], group: `g-${seed}`, from: 'latest' })
        await Promise.all(
          callers.map(async (batches, caller) => {
            let next = 0
            for (const size of batches) {
              const batch = Array.from({ length: size }, () => event(`${caller}:${next++}`, `key of ${caller}`))
              await log.append('alpha', batch)
            }
          }),
        )
        const seen = (await drain(reader, upTo(9))).map((record) => record.event.id)
        await reader.close()
        for (const [caller, batches] of callers.entries()) {
          const total = batches.reduce((sum, size) => sum + size, 0)
          assert.deepEqual(
            seen.filter((id) => id.startsWith(`${caller}:`)),
            Array.from({ length: total }, (_, index) => `${caller}:${index}`),
            `seed ${seed}, caller ${caller}`,
          )
        }
      }
    })

    check('an event comes back as it was appended', async (log) => {
      const sent: EventEnvelope = {
        ...event('one', 'Ærø 🚢'),
        sequence: 7,
        causationId: 'cause',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        baggage: 'a=b',
        actor: 'somebody',
        data: { nested: [1, null, 'text', { deep: true }] },
      }
      await log.append('alpha', [sent])
      const [record] = await drain(await log.reader({ topics: ['alpha'], group: 'g' }))
      assert.deepEqual(record!.event, sent)
      assert.equal(record!.topic, 'alpha')
    })

    check('every group reads everything', async (log) => {
      await log.append('alpha', events(10))
      for (const group of ['one', 'two']) assert.equal((await drain(await log.reader({ topics: ['alpha'], group }))).length, 10)
    })

    check('a reader reads all its topics, and no others', async (log) => {
      await log.append('alpha', [event('a', 'k')])
      await log.append('beta', [event('b', 'k')])
      const both = await drain(await log.reader({ topics: ['alpha', 'beta'], group: 'both' }))
      assert.deepEqual(both.map((record) => `${record.topic} ${record.event.id}`).sort(), ['alpha a', 'beta b'])
      const one = await drain(await log.reader({ topics: ['beta'], group: 'one' }))
      assert.deepEqual(
        one.map((record) => record.event.id),
        ['b'],
      )
    })

    check('a poll returns at most what it asked for, and the rest comes after', async (log) => {
      await log.append('alpha', events(25))
      const reader = await log.reader({ topics: ['alpha'], group: 'g' })
      const sizes: number[] = []
      const seen = new Set<string>()
      for (;;) {
        const records = await reader.poll({ max: 10, waitMs: 0 })
        if (records.length === 0) break
        sizes.push(records.length)
        for (const record of records) seen.add(record.event.id)
      }
      assert.ok(sizes.every((size) => size <= 10))
      assert.equal(seen.size, 25)
    })

    check('what was not committed comes again to the next member; what was committed does not', async (log) => {
      await log.append('alpha', events(10, 'same key'))
      const first = await log.reader({ topics: ['alpha'], group: 'g' })
      const records = await first.poll({ max: 10, waitMs: 1_000 })
      await first.commit([after(records[3]!)])
      await first.close()
      const second = await log.reader({ topics: ['alpha'], group: 'g' })
      assert.deepEqual(
        (await drain(second)).map((record) => record.offset),
        [4, 5, 6, 7, 8, 9],
      )
    })

    check('a commit never goes back', async (log) => {
      await log.append('alpha', events(5, 'same key'))
      const first = await log.reader({ topics: ['alpha'], group: 'g' })
      const records = await drain(first)
      await Promise.all([first.commit([after(records[3]!)]), first.commit([after(records[0]!)])])
      await first.commit([after(records[1]!)])
      await first.close()
      const second = await log.reader({ topics: ['alpha'], group: 'g' })
      assert.equal((await drain(second)).length, 1)
    })

    check('a commit in one partition leaves the others', async (log) => {
      await log.append('alpha', events(40))
      const first = await log.reader({ topics: ['alpha'], group: 'g' })
      const records = await drain(first)
      const { partition } = records[0]!
      const ofPartition = records.filter((record) => record.partition === partition)
      assert.ok(ofPartition.length < records.length, 'all keys fell into one partition')
      await first.commit([after(ofPartition.at(-1)!)])
      await first.close()
      const again = await drain(await log.reader({ topics: ['alpha'], group: 'g' }))
      assert.equal(again.length, records.length - ofPartition.length)
      assert.ok(again.every((record) => record.partition !== partition))
    })

    check('a group that begins at the latest gets what comes after it joined, even if it restarts before it commits', async (log) => {
      await log.append('alpha', [event('before', 'k')])
      const first = await log.reader({ topics: ['alpha'], group: 'g', from: 'latest' })
      await log.append('alpha', [event('after', 'k')])
      await first.close()
      const second = await log.reader({ topics: ['alpha'], group: 'g', from: 'latest' })
      assert.deepEqual(
        (await drain(second)).map((record) => record.event.id),
        ['after'],
      )
    })

    check('seek to the earliest reads all again, and to the latest nothing; both outlive a restart', async (log) => {
      await log.append('alpha', events(12))
      const first = await log.reader({ topics: ['alpha'], group: 'g' })
      await first.commit((await drain(first)).map(after))
      assert.equal(await first.lag(), 0)
      await first.seek({ kind: 'earliest' })
      assert.equal(await first.lag(), 12)
      assert.equal((await drain(first)).length, 12)
      await first.close()
      const second = await log.reader({ topics: ['alpha'], group: 'g' })
      assert.equal((await drain(second)).length, 12)
      await second.seek({ kind: 'earliest' })
      await second.seek({ kind: 'latest' })
      assert.equal((await drain(second)).length, 0)
      await second.close()
      const third = await log.reader({ topics: ['alpha'], group: 'g' })
      assert.equal((await drain(third)).length, 0)
      assert.equal(await third.lag(), 0)
    })

    check('seek to a time reads what was stored at or after it', async (log, { pass, nowMs }) => {
      await log.append('alpha', events(20, undefined, 'old'))
      await pass(50)
      const time = nowMs()
      await log.append('alpha', events(20, undefined, 'new'))
      const reader = await log.reader({ topics: ['alpha'], group: 'g' })
      await drain(reader)
      await reader.seek({ kind: 'time', epochMs: time })
      const records = await drain(reader)
      assert.deepEqual(records.map((record) => record.event.id).sort(), Array.from({ length: 20 }, (_, index) => `new${index}`).sort())
      assert.ok(records.every((record) => record.appendedAtMs >= time))
      await reader.seek({ kind: 'time', epochMs: time + 1_000_000 })
      assert.equal((await drain(reader)).length, 0)
    })

    check('a commit of what was read before a seek does not undo the seek', async (log) => {
      await log.append('alpha', events(8, 'same key'))
      const first = await log.reader({ topics: ['alpha'], group: 'g' })
      const records = await drain(first)
      await Promise.all([first.seek({ kind: 'earliest' }), first.commit([after(records.at(-1)!)])])
      await first.commit([after(records.at(-1)!)])
      await first.close()
      const second = await log.reader({ topics: ['alpha'], group: 'g' })
      assert.equal((await drain(second)).length, 8)
    })

    check('lag counts what was not committed, and topics() tells it for each group', async (log) => {
      await log.append('alpha', events(10, 'same key'))
      const reader = await log.reader({ topics: ['alpha'], group: 'g' })
      assert.equal(await reader.lag(), 10)
      const records = await drain(reader)
      assert.equal(await reader.lag(), 10)
      await reader.commit([after(records[6]!)])
      assert.equal(await reader.lag(), 3)
      const status = (await log.topics()).find(({ topic }) => topic === 'alpha')!
      assert.equal(status.records, 10)
      assert.ok(status.partitions >= 1)
      assert.deepEqual(status.groups, [{ group: 'g', lag: 3 }])
    })

    check('a waiting poll gets what is appended', async (log) => {
      const reader = await log.reader({ topics: ['alpha'], group: 'g' })
      for (let round = 0; round < 20; round++) {
        const polling = reader.poll({ max: 10, waitMs: 10_000 })
        await log.append('alpha', [event(`r${round}`, 'k')])
        assert.deepEqual(
          (await polling).map((record) => record.event.id),
          [`r${round}`],
        )
      }
    })

    check('an abort ends a waiting poll with its reason, and loses nothing', async (log) => {
      const reader = await log.reader({ topics: ['alpha'], group: 'g' })
      const controller = new AbortController()
      const reason = new Error('enough')
      const polling = reader.poll({ max: 10, waitMs: 60_000, signal: controller.signal })
      controller.abort(reason)
      await assert.rejects(polling, (error) => error === reason)
      await log.append('alpha', [event('a', 'k')])
      assert.equal((await drain(reader)).length, 1)
    })

    check('close ends a waiting poll', async (log) => {
      const reader = await log.reader({ topics: ['alpha'], group: 'g' })
      const polling = reader.poll({ max: 10, waitMs: 60_000 })
      const ended = assert.rejects(polling, SeaworthyError)
      await reader.close()
      await ended
      await reader.close()
    })

    check('an append to a topic that is not owned is refused, and stores nothing', async (log) => {
      await assert.rejects(
        log.append('foreign', [event('a', 'k')]),
        (error) => error instanceof SeaworthyError && error.code === 'topic-not-owned' && error.executed === 'no',
      )
      assert.ok(!(await log.topics()).some(({ topic }) => topic === 'foreign'))
    })

    check('a batch is appended as a whole or not at all', async (log) => {
      const circular: Record<string, unknown> = {}
      circular['self'] = circular
      await assert.rejects(log.append('alpha', [event('a', 'k'), { ...event('b', 'k'), data: circular }]))
      assert.equal((await drain(await log.reader({ topics: ['alpha'], group: 'g' }))).length, 0)
    })

    check('what was acknowledged is there after a crash, commits too', async (log, { crash }) => {
      if (crash === undefined) return
      await log.append('alpha', events(10, 'same key'))
      const reader = await log.reader({ topics: ['alpha'], group: 'g' })
      await reader.commit([after((await drain(reader))[5]!)])
      const survivor = await crash()
      try {
        const again = await survivor.reader({ topics: ['alpha'], group: 'g' })
        assert.equal((await drain(again)).length, 4)
        await survivor.append('alpha', [event('next', 'same key')])
        const [record] = await drain(again)
        assert.equal(record!.offset, 10)
      } finally {
        await survivor.close()
      }
    })

    const groups = options.groups === 'several-members' ? severalMembersContract : oneMemberContract
    groups((sentence, body) => check(sentence, (_, under) => body(under)))

    check('a closed log is refused', async (log) => {
      await log.close()
      await log.close()
      await assert.rejects(log.append('alpha', [event('a', 'k')]), SeaworthyError)
      await assert.rejects(log.reader({ topics: ['alpha'], group: 'g' }), SeaworthyError)
    })
  })
}

function event(id: string, key: string): EventEnvelope {
  return {
    id,
    type: 'thing.happened',
    version: 1,
    source: 'alpha',
    key,
    sequence: 0,
    time: '2026-01-01T00:00:00.000Z',
    correlationId: 'c',
    data: {},
  }
}

function events(count: number, key?: string, prefix = 'e'): EventEnvelope[] {
  return Array.from({ length: count }, (_, index) => event(`${prefix}${index}`, key ?? `key ${index}`))
}

function after({ topic, partition, offset }: LogRecord): Position {
  return { topic, partition, offset: offset + 1 }
}

/** Everything there is now. */
async function drain(reader: LogReader, max = 100): Promise<readonly LogRecord[]> {
  const all: LogRecord[] = []
  for (;;) {
    const records = await reader.poll({ max, waitMs: 0 })
    if (records.length === 0) return all
    all.push(...records)
  }
}

function assertGapless(records: readonly LogRecord[]): void {
  const next = new Map<number, number>()
  for (const { partition, offset } of records) {
    assert.equal(offset, next.get(partition) ?? 0)
    next.set(partition, offset + 1)
  }
}
