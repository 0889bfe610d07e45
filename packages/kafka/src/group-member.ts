import { randomUUID } from 'node:crypto'
import { type ConnectionPool, consumerGroupDescribeV0, consumerGroupHeartbeatV1, offsetCommitV9 } from '@platformatic/kafka'
import { type Clock, type SeaworthyError, Wakeup, sleep } from 'seaworthy/core'
import type { Cluster } from './cluster.ts'
import { asSeaworthyError, isPassing, reasonsOf } from './errors.ts'
import { type CommittedOffset, byTopic } from './offsets.ts'

/** A partition as the group's coordinator names it. */
export interface AssignedPartition {
  readonly topicId: string
  readonly partition: number
}

export interface GroupMemberOptions {
  readonly cluster: Cluster
  readonly group: string
  readonly topics: readonly string[]
  readonly clock: Clock
  /** How long the coordinator waits for this member to let a partition go. */
  readonly rebalanceTimeoutMs: number
  /** How long `onRevoked` may take. */
  readonly revokeGraceMs: number
  readonly onAssigned: (partitions: readonly AssignedPartition[]) => void
  /** They go to another member once this has settled, or after the grace. */
  readonly onRevoked: (partitions: readonly AssignedPartition[]) => Promise<void>
  /** They went to others already: the coordinator took this member for dead. */
  readonly onLost: (partitions: readonly AssignedPartition[]) => void
}

const RETRY_MS = 100
const RETRY_MS_MAX = 2_000
const COMMIT_ATTEMPTS = 5
const EAGER_EVERY_MS = 200
const EAGER_MS = 3_000
const EAGER_WITHOUT_ANY_MS = 30_000
const LEAVING_EPOCH = -1

/** The coordinator does not count this member, or not in this life of it: it has given its partitions to others. */
const GONE: ReadonlySet<string> = new Set(['UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH'])

/**
 * A member of a consumer group, by the protocol that Kafka has since 4.0 (KIP-848): the coordinator decides who reads what, and moves only what
 * has to move. A partition is given to its new reader once the old one has let it go. Each answer raises the member's epoch when
 * something changed, and a commit under an older one is refused.
 */
export class GroupMember {
  readonly memberId = randomUUID()
  readonly #options: GroupMemberOptions
  readonly #pool: ConnectionPool
  readonly #bell = new Wakeup()
  readonly #closing = new AbortController()
  readonly #joined = Promise.withResolvers<void>()
  readonly #running: Promise<void>
  readonly #owned = new Map<string, AssignedPartition>()
  readonly #leaving = new Set<string>()
  #epoch = 0
  #beats = 0
  #failure: SeaworthyError | undefined

  constructor(options: GroupMemberOptions) {
    this.#options = options
    this.#pool = options.cluster.pool()
    this.#joined.promise.catch(() => undefined)
    this.#running = this.#run()
  }

  /** For questions that only a member may ask. */
  get epoch(): number {
    return this.#epoch
  }

  /** Why it is a member no more, if it cannot be. */
  get failure(): SeaworthyError | undefined {
    return this.#failure
  }

  /** Settles when the coordinator has said what this member reads, which may be nothing. */
  joined(): Promise<void> {
    return this.#joined.promise
  }

  /**
   * Whether the coordinator has counted this member for each of these topics, and whatever else it is to read is still held by others, who may take their time.
   * @throws when the coordinator does not say
   */
  async isCounted(topics: ReadonlySet<string>): Promise<boolean> {
    const { cluster, group } = this.#options
    const answer = await cluster.askCoordinator('group', group, consumerGroupDescribeV0.api, [[group], false], this.#pool)
    const { members = [], groupEpoch = 0, assignmentEpoch = -1 } = answer.groups[0] ?? {}
    if (assignmentEpoch < groupEpoch || members.every(({ memberId }) => memberId !== this.memberId)) return false
    const divided = new Set(members.flatMap((member) => member.targetAssignment.topicPartitions.map(({ topicName }) => topicName)))
    // A coordinator may hear of a new topic a moment later than of its leaders.
    if ([...topics].some((topic) => !divided.has(topic))) return false
    const others = members.filter(({ memberId }) => memberId !== this.memberId)
    const held = new Set(others.flatMap(({ assignment }) => namesOf(assignment)))
    const mine = members.flatMap(({ memberId, targetAssignment }) => (memberId === this.memberId ? namesOf(targetAssignment) : []))
    return mine.every((name) => this.#owned.has(name) || held.has(name))
  }

  get assigned(): readonly AssignedPartition[] {
    return [...this.#owned.values()]
  }

  owns(partition: AssignedPartition): boolean {
    return this.#owned.has(nameOf(partition))
  }

  /** Connections on which nothing waits for records. */
  get pool(): ConnectionPool {
    return this.#pool
  }

  /** @returns false when the coordinator does not take it from this member any more. @throws SeaworthyError when it could not be stored */
  async commit(offsets: readonly CommittedOffset[]): Promise<boolean> {
    const { cluster, group, clock } = this.#options
    const topics = [...byTopic(offsets)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: -1,
        committedMetadata: null,
      })),
    }))
    for (let attempt = 1; ; attempt++) {
      const beats = this.#beats
      try {
        await cluster.askCoordinator('group', group, offsetCommitV9.api, [group, this.#epoch, this.memberId, null, topics], this.#pool)
        return true
      } catch (error) {
        const reasons = reasonsOf(error)
        if (reasons.some((reason) => GONE.has(reason))) {
          // The next heartbeat hears it too, and joins again.
          this.#bell.wake()
          return false
        }
        const isStale = reasons.includes('STALE_MEMBER_EPOCH')
        const again = attempt < COMMIT_ATTEMPTS && !this.#closing.signal.aborted
        if (!again || !(isStale || isPassing(error))) throw asSeaworthyError(error, `a commit of group ${group}`, 'maybe')
        // A new epoch is on its way with the answer to a heartbeat.
        if (isStale) await this.#nextBeat(beats)
        else await sleep(clock, RETRY_MS * attempt, this.#closing.signal).catch(() => undefined)
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.#bell.wake()
    await this.#running
    this.#joined.reject(new Error('closed'))
    if (this.#epoch > 0) {
      // One who does not say good-bye is waited for until its session ends; nothing worse.
      await this.#beat(LEAVING_EPOCH).catch(() => undefined)
    }
    await this.#options.cluster.release(this.#pool)
  }

  async #run(): Promise<void> {
    const { group, clock } = this.#options
    const { signal } = this.#closing
    const startedAtMs = clock.monotonicMs()
    let failures = 0
    while (!signal.aborted) {
      const { count } = this.#bell
      let waitMs: number
      try {
        const answer = await this.#beat(this.#epoch)
        if (signal.aborted) return
        failures = 0
        this.#epoch = answer.memberEpoch
        const changed = answer.assignment !== null && this.#reconcile(answer.assignment.topicPartitions)
        if (answer.assignment !== null) this.#joined.resolve()
        this.#beats++
        waitMs = changed ? 0 : answer.heartbeatIntervalMs
        // The coordinator counts its members anew only now and then. A new member asks more often, and one without anything for longer, to begin at once.
        const eagerForMs = this.#owned.size === 0 ? EAGER_WITHOUT_ANY_MS : EAGER_MS
        if (clock.monotonicMs() < startedAtMs + eagerForMs) waitMs = Math.min(waitMs, EAGER_EVERY_MS)
      } catch (error) {
        const reasons = reasonsOf(error)
        if (reasons.some((reason) => GONE.has(reason))) {
          this.#lose()
          waitMs = 0
        } else if (isPassing(error) || reasons.includes('UNRELEASED_INSTANCE_ID')) {
          waitMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** failures++)
        } else {
          this.#failure = asSeaworthyError(error, `membership in group ${group}`)
          this.#lose()
          this.#joined.reject(this.#failure)
          return
        }
        this.#beats++
      }
      if (waitMs > 0) await this.#bell.wait(count, { clock, waitMs, signal }).catch(() => undefined)
    }
  }

  #beat(epoch: number) {
    const { cluster, group, topics, rebalanceTimeoutMs } = this.#options
    const owned = epoch <= 0 ? [] : [...Map.groupBy(this.#owned.values(), ({ topicId }) => topicId)]
    return cluster.askCoordinator(
      'group',
      group,
      consumerGroupHeartbeatV1.api,
      [
        group,
        this.memberId,
        epoch,
        null,
        null,
        rebalanceTimeoutMs,
        [...topics],
        null,
        null,
        owned.map(([topicId, partitions]) => ({ topicId, partitions: partitions.map(({ partition }) => partition) })),
      ],
      this.#pool,
    )
  }

  /** @returns whether there is something that the coordinator should hear of at once */
  #reconcile(target: readonly { readonly topicId: string; readonly partitions: readonly number[] }[]): boolean {
    const wanted = new Map<string, AssignedPartition>()
    for (const { topicId, partitions } of target) {
      for (const partition of partitions) wanted.set(nameOf({ topicId, partition }), { topicId, partition })
    }
    const revoked = [...this.#owned].filter(([name]) => !wanted.has(name) && !this.#leaving.has(name))
    const added = [...wanted].filter(([name]) => !this.#owned.has(name))
    if (revoked.length > 0) void this.#release(revoked)
    for (const [name, partition] of added) this.#owned.set(name, partition)
    if (added.length > 0) this.#options.onAssigned(added.map(([, partition]) => partition))
    return added.length > 0
  }

  /** Lets partitions go when their reader is done with them, while heartbeats go on. */
  async #release(revoked: readonly (readonly [string, AssignedPartition])[]): Promise<void> {
    const { clock, revokeGraceMs, onRevoked } = this.#options
    for (const [name] of revoked) this.#leaving.add(name)
    const grace = new AbortController()
    const done = onRevoked(revoked.map(([, partition]) => partition)).catch(() => undefined)
    const over = sleep(clock, revokeGraceMs, AbortSignal.any([grace.signal, this.#closing.signal])).catch(() => undefined)
    await Promise.race([done, over])
    grace.abort()
    // Not those that were lost meanwhile, and perhaps came back.
    const still = revoked.filter(([name, partition]) => this.#owned.get(name) === partition)
    for (const [name] of still) {
      this.#leaving.delete(name)
      this.#owned.delete(name)
    }
    if (still.length > 0) this.#options.onLost(still.map(([, partition]) => partition))
    this.#bell.wake()
  }

  #lose(): void {
    const lost = [...this.#owned.values()]
    this.#epoch = 0
    this.#owned.clear()
    this.#leaving.clear()
    if (lost.length > 0) this.#options.onLost(lost)
  }

  /** Settles after the answer to a heartbeat that is sent from now on. */
  async #nextBeat(beats: number): Promise<void> {
    const { clock } = this.#options
    this.#bell.wake()
    while (this.#beats === beats && !this.#closing.signal.aborted && this.#failure === undefined) {
      await sleep(clock, 10, this.#closing.signal).catch(() => undefined)
    }
  }
}

function namesOf({ topicPartitions }: consumerGroupDescribeV0.ConsumerGroupDescribeResponseMemberAssignment): readonly string[] {
  return topicPartitions.flatMap(({ topicId, partitions }) => partitions.map((partition) => nameOf({ topicId, partition })))
}

export function nameOf({ topicId, partition }: AssignedPartition): string {
  return `${partition}/${topicId}`
}
