import { type ConnectionPool, listOffsetsV9, offsetFetchV9 } from '@platformatic/kafka'
import { type Clock, sleep } from 'seaworthy/core'
import type { Cluster } from './cluster.ts'
import { asSeaworthyError, isPassing } from './errors.ts'

export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** Where in a partition: `time` is the first record stored at or after it, which may not exist yet. */
export type OffsetQuery = { readonly kind: 'earliest' } | { readonly kind: 'latest' } | { readonly kind: 'time'; readonly epochMs: number }

const EARLIEST = -2n
const LATEST = -1n
const READ_COMMITTED = 1
const RETRY_MS = 50
const RETRY_MS_MAX = 1_000

export interface Asking {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Asks again while it may help, up to a time. @throws SeaworthyError */
export async function patiently<T>({ clock, timeoutMs, signal }: Omit<Asking, 'cluster'>, what: string, ask: () => Promise<T>): Promise<T> {
  const deadlineMs = clock.monotonicMs() + timeoutMs
  for (let failures = 0; ; failures++) {
    try {
      return await ask()
    } catch (error) {
      if (!isPassing(error) || clock.monotonicMs() >= deadlineMs) throw asSeaworthyError(error, what)
      await sleep(clock, Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** failures), signal)
    }
  }
}

/** The offset of every partition of the topics that exist, by topic. */
export function listOffsets(
  asking: Asking,
  topics: readonly string[],
  query: OffsetQuery,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const { cluster } = asking
  return patiently(asking, `a question for offsets of ${topics.join(', ')}`, async () => {
    const metadata = await cluster.topics(topics)
    const offsets = new Map([...metadata].map(([topic, { leaders }]) => [topic, leaders.map(() => 0)]))
    const places = [...metadata].flatMap(([topic, { leaders }]) => leaders.map((leader, partition) => ({ topic, partition, leader })))
    const timestamp = query.kind === 'earliest' ? EARLIEST : query.kind === 'latest' ? LATEST : BigInt(Math.ceil(query.epochMs))
    const after: { topic: string; partition: number }[] = []
    try {
      await Promise.all(
        [...Map.groupBy(places, ({ leader }) => leader)].map(async ([leader, ofLeader]) => {
          const request = [...byTopic(ofLeader)].map(([name, ofTopic]) => ({
            name,
            partitions: ofTopic.map(({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp })),
          }))
          const answer = await cluster.ask(leader, listOffsetsV9.api, [-1, READ_COMMITTED, request])
          for (const { name, partitions } of answer.topics) {
            for (const { partitionIndex, offset } of partitions) {
              offsets.get(name)![partitionIndex] = Number(offset)
              if (offset === -1n) after.push({ topic: name, partition: partitionIndex })
            }
          }
        }),
      )
    } catch (error) {
      cluster.doubt(topics)
      throw error
    }
    if (after.length > 0) {
      // Nothing was stored at or after the time: what comes next will have been.
      const latest = await listOffsets(asking, topics, { kind: 'latest' })
      for (const { topic, partition } of after) offsets.get(topic)![partition] = latest.get(topic)![partition]!
    }
    return offsets
  })
}

export interface CommittedQuery {
  readonly group: string
  /** Undefined: all that the group has committed. */
  readonly places: readonly { readonly topic: string; readonly partition: number }[] | undefined
  /** For a member, who is told only what it may still rely on. */
  readonly member?: { readonly memberId: string; readonly epoch: number; readonly pool: ConnectionPool }
}

/** Where the group goes on, for the partitions that it has committed in. */
export async function committedOffsets(cluster: Cluster, { group, places, member }: CommittedQuery): Promise<readonly CommittedOffset[]> {
  const topics =
    places === undefined
      ? null
      : [...byTopic(places)].map(([name, ofTopic]) => ({ name, partitionIndexes: ofTopic.map(({ partition }) => partition) }))
  const query = { groupId: group, memberId: member?.memberId ?? null, memberEpoch: member?.epoch ?? -1, topics }
  const answer = await cluster.askCoordinator('group', group, offsetFetchV9.api, [[query], true], member?.pool)
  return answer.groups.flatMap((ofGroup) =>
    ofGroup.topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ committedOffset }) => committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset }) => ({ topic: name, partition: partitionIndex, offset: Number(committedOffset) })),
    ),
  )
}

export function byTopic<Place extends { readonly topic: string }>(places: readonly Place[]): ReadonlyMap<string, Place[]> {
  return Map.groupBy(places, ({ topic }) => topic)
}
