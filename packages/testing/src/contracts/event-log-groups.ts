import assert from 'node:assert/strict'
import { SeaworthyError } from 'seaworthy/core'
import type { EventEnvelope, EventLog, LogReader, LogRecord, Position, TopicPartition } from 'seaworthy/messaging'
import { eventually as eventuallyWithin } from './eventually.ts'

interface GroupsUnderTest {
  readonly log: EventLog
  /** Another process's handle on the log. */
  readonly another?: () => Promise<EventLog>
}

// A coordinator may hear of its members only every few seconds.
const PATIENCE = { withinMs: 60_000 }

const eventually = (what: string, holds: () => Promise<boolean>) => eventuallyWithin(what, holds, PATIENCE)

type Check = (sentence: string, body: (under: GroupsUnderTest) => Promise<void>) => void

/** A group has one member at a time, as on embedded storage. */
export function oneMemberContract(check: Check): void {
  check('a group that has its member refuses another, and takes one when that has left', async ({ log }) => {
    const first = await log.reader({ topics: ['alpha'], group: 'g' })
    await assert.rejects(
      log.reader({ topics: ['alpha'], group: 'g' }),
      (error) => error instanceof SeaworthyError && error.code === 'group-taken' && error.executed === 'no',
    )
    await first.close()
    await (await log.reader({ topics: ['alpha'], group: 'g' })).close()
  })
}

/** A group has several members, who share its partitions. */
export function severalMembersContract(check: Check): void {
  check('the members of a group share the partitions, and each record comes to one of them', async (under) => {
    const { log, first, second } = await twoMembers(under)
    for (let round = 0; !(await receives(second, log, `round ${round}`)); round++) await committed(first)
    await committed(first)
    await log.append('alpha', events(60, 'shared'))
    const seen = { first: [] as string[], second: [] as string[] }
    await eventually('all records have come', async () => {
      seen.first.push(...idsOf(await committed(first)))
      seen.second.push(...idsOf(await committed(second)))
      return seen.first.length + seen.second.length >= 60
    })
    const expected = Array.from({ length: 60 }, (_, index) => `shared${index}`).sort()
    assert.deepEqual([...seen.first, ...seen.second].sort(), expected)
    assert.ok(seen.first.length > 0, 'the first member lost everything to the second')
    assert.ok(seen.second.length > 0)
  })

  check('what a member did not commit comes to the others when it leaves', async (under) => {
    const { log, first, second } = await twoMembers(under)
    for (let round = 0; !(await receives(second, log, `round ${round}`)); round++) await committed(first)
    await committed(first)
    await committed(second)
    await log.append('alpha', events(40, 'left'))
    const left: LogRecord[] = []
    await eventually('records have come to both', async () => {
      left.push(...(await second.poll({ max: 100, waitMs: 0 })))
      await committed(first)
      return left.length > 0 && (await first.lag()) === left.length
    })
    await second.close()
    const seen: string[] = []
    await eventually('the records of the member that left have come', async () => {
      seen.push(...idsOf(await first.poll({ max: 100, waitMs: 0 })))
      return seen.length >= left.length
    })
    assert.deepEqual(seen.sort(), idsOf(left).sort())
  })

  check('a commit in partitions that went to another member is refused, and the others in it are stored', async ({ log, another }) => {
    await log.append('alpha', events(60, 'before'))
    const revoked: TopicPartition[] = []
    const onRevoke = async (partitions: readonly TopicPartition[]) => void revoked.push(...partitions)
    const first = await log.reader({ topics: ['alpha'], group: 'g', onRevoke })
    const records = await drained(first)
    assert.equal(records.length, 60)
    const second = await (await another!()).reader({ topics: ['alpha'], group: 'g' })
    const moved: LogRecord[] = []
    await eventually('records have come to the member that joined', async () => {
      moved.push(...(await second.poll({ max: 100, waitMs: 0 })))
      return moved.length > 0
    })
    assert.ok(revoked.length > 0, 'nobody told the first member')
    const isRevoked = ({ topic, partition }: TopicPartition) => revoked.some((gone) => gone.topic === topic && gone.partition === partition)
    await assert.rejects(first.commit(positionsAfter(records)), (error) => {
      assert.ok(error instanceof SeaworthyError && error.code === 'partition-revoked' && error.executed === 'no')
      assert.deepEqual(namesOf((error as unknown as { partitions: readonly TopicPartition[] }).partitions), namesOf(revoked))
      return true
    })
    assert.equal(await second.lag(), records.filter(isRevoked).length)
    // Its new reader has it from where it was committed, and may commit.
    await eventually('all of the partitions that went over have come', async () => {
      moved.push(...(await second.poll({ max: 100, waitMs: 0 })))
      return moved.length >= records.filter(isRevoked).length
    })
    assert.deepEqual(idsOf(moved).sort(), idsOf(records.filter(isRevoked)).sort())
    await second.commit(positionsAfter(moved))
    assert.equal(await second.lag(), 0)
  })
}

async function twoMembers({ log, another }: GroupsUnderTest): Promise<{ log: EventLog; first: LogReader; second: LogReader }> {
  const first = await log.reader({ topics: ['alpha'], group: 'g' })
  const second = await (await another!()).reader({ topics: ['alpha'], group: 'g' })
  return { log, first, second }
}

/** Whether the reader gets some of what is appended now. */
async function receives(reader: LogReader, log: EventLog, prefix: string): Promise<boolean> {
  await log.append('alpha', events(8, prefix))
  return (await committed(reader, 200)).length > 0
}

async function committed(reader: LogReader, waitMs = 0): Promise<readonly LogRecord[]> {
  const records = await reader.poll({ max: 100, waitMs })
  await reader.commit(positionsAfter(records))
  return records
}

async function drained(reader: LogReader): Promise<readonly LogRecord[]> {
  const all: LogRecord[] = []
  for (;;) {
    const records = await reader.poll({ max: 100, waitMs: 0 })
    if (records.length === 0) return all
    all.push(...records)
  }
}

function positionsAfter(records: readonly LogRecord[]): Position[] {
  return [...Map.groupBy(records, ({ topic, partition }) => `${topic}/${partition}`).values()].map((ofPartition) => {
    const { topic, partition, offset } = ofPartition.at(-1)!
    return { topic, partition, offset: offset + 1 }
  })
}

function idsOf(records: readonly LogRecord[]): string[] {
  return records.map(({ event }) => event.id)
}

function namesOf(partitions: readonly TopicPartition[]): string[] {
  return partitions.map(({ topic, partition }) => `${topic}/${partition}`).sort()
}

function events(count: number, prefix: string): EventEnvelope[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${prefix}${index}`,
    type: 'thing.happened',
    version: 1,
    source: 'alpha',
    key: `key ${index}`,
    sequence: 0,
    time: '2026-01-01T00:00:00.000Z',
    correlationId: 'c',
    data: {},
  }))
}
