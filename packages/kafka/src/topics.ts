import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes } from '@platformatic/kafka'
import { ConfigurationError } from 'seaworthy/core'
import type { TopicStatus } from 'seaworthy/messaging'
import { KafkaError, asSeaworthyError, reasonsOf } from './errors.ts'
import { type Asking, committedOffsets, listOffsets, patiently } from './offsets.ts'

/** What a topic keeps, whether it was read or not. The first bound that is reached counts. */
export interface Retention {
  /** How long a record is kept, in milliseconds. */
  readonly maxAgeMs?: number
  readonly maxBytesPerPartition?: number
}

export interface TopicSettings {
  readonly partitions: number
  /** Default the broker's. */
  readonly replicas: number | undefined
  readonly retain: Retention | undefined
}

// The kinds of groups that read, by Kafka's names.
const GROUP_TYPES = ['consumer', 'classic']

/** Asks what concerns whole topics and groups, on connections of its own for as long as it takes. */
async function asAdmin<T>({ cluster, timeoutMs }: Asking, ask: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ ...cluster.clientOptions, retries: 3, retryDelay: 200, timeout: timeoutMs })
  try {
    return await ask(admin)
  } finally {
    await admin.close().catch(() => undefined)
  }
}

/** Creates the topics that do not exist, and gives those that do the retention that is asked for. Their partitions stay as they are. */
export async function ensureTopics(asking: Asking, names: readonly string[], settings: TopicSettings): Promise<void> {
  if (names.length === 0) return
  const { cluster } = asking
  const existing = await patiently(asking, 'a question for topics', () => cluster.topics(names))
  const missing = names.filter((name) => !existing.has(name))
  const configs = retentionConfigs(settings.retain)
  const kept = configs.length === 0 ? [] : [...existing.keys()]
  try {
    // As a rule all is there, and as it should be.
    if (missing.length + kept.length > 0)
      await asAdmin(asking, async (admin) => {
        if (missing.length > 0) await create(admin, missing, settings)
        if (kept.length > 0) {
          const resources = kept.map((resourceName) => ({
            resourceType: ConfigResourceTypes.TOPIC,
            resourceName,
            configs: configs.map(({ name, value }) => ({ name, value, configOperation: IncrementalAlterConfigOperationTypes.SET })),
          }))
          await admin.incrementalAlterConfigs({ resources })
        }
      })
  } catch (error) {
    throw asSeaworthyError(error, `topics ${names.join(', ')}`)
  }
  await patiently(asking, `topics ${names.join(', ')}`, async () => {
    const topics = await cluster.topics(names)
    if (names.every((name) => topics.get(name)?.leaders.every((leader) => leader >= 0) === true)) return
    cluster.doubt(names)
    throw new Error('the topics have no leaders yet')
  })
}

async function create(admin: Admin, topics: readonly string[], { partitions, replicas, retain }: TopicSettings): Promise<void> {
  const configs = [
    // The time of a record is that of the broker's clock, by which a group seeks; a producer's may be anything.
    { name: 'message.timestamp.type', value: 'LogAppendTime' },
    // Without this, Kafka deletes after seven days what nobody may have read.
    { name: 'retention.ms', value: '-1' },
    // An append is confirmed when it survives the loss of one broker.
    ...(replicas !== undefined && replicas >= 3 ? [{ name: 'min.insync.replicas', value: '2' }] : []),
  ]
  const own = retentionConfigs(retain)
  const merged = [...configs.filter(({ name }) => own.every((config) => config.name !== name)), ...own]
  for (const topic of topics) {
    try {
      await admin.createTopics({ topics: [topic], partitions, ...(replicas !== undefined && { replicas }), configs: merged })
    } catch (error) {
      // Another process of the same service was first.
      if (!reasonsOf(error).includes('TOPIC_ALREADY_EXISTS')) throw error
    }
  }
}

function retentionConfigs(retain: Retention | undefined): { name: string; value: string }[] {
  return [
    ...(retain?.maxAgeMs === undefined ? [] : [{ name: 'retention.ms', value: String(retain.maxAgeMs) }]),
    ...(retain?.maxBytesPerPartition === undefined ? [] : [{ name: 'retention.bytes', value: String(retain.maxBytesPerPartition) }]),
  ]
}

/** Kafka's own rule for the names of topics. */
export function assertTopicName(name: string): void {
  if (!/^[\w.-]{1,249}$/.test(name) || name === '.' || name === '..') {
    throw new ConfigurationError(
      `${JSON.stringify(name)} is no name of a topic of Kafka: letters, digits, dot, dash and underscore, at most 249.`,
    )
  }
}

/** All topics whose names begin with the prefix, and how far the groups with that prefix are in them. */
export async function topicStatus(asking: Asking, prefix: string): Promise<readonly TopicStatus[]> {
  const { cluster } = asking
  try {
    const { names, groups } = await asAdmin(asking, async (admin) => ({
      names: (await admin.listTopics()).filter((name) => name.startsWith(prefix)),
      groups: [...(await admin.listGroups({ types: GROUP_TYPES })).keys()].filter((name) => name.startsWith(prefix)),
    }))
    const [first, next, ...committed] = await Promise.all([
      listOffsets(asking, names, { kind: 'earliest' }),
      listOffsets(asking, names, { kind: 'latest' }),
      ...groups.map((group) =>
        patiently(asking, `a question for the offsets of group ${group}`, () => committedOffsets(cluster, { group, places: undefined })),
      ),
    ])
    return [...next].map(([name, ends]) => {
      const starts = first.get(name) ?? []
      const ofGroups = groups.flatMap((group, index) => {
        const places = committed[index]!.filter(({ topic }) => topic === name)
        if (places.length === 0) return []
        const lag = ends.reduce((sum, end, partition) => {
          const place = places.find((candidate) => candidate.partition === partition)?.offset ?? 0
          return sum + end - Math.min(end, Math.max(starts[partition] ?? 0, place))
        }, 0)
        return [{ group: group.slice(prefix.length), lag }]
      })
      return {
        topic: name.slice(prefix.length),
        partitions: ends.length,
        records: ends.reduce((sum, end, partition) => sum + end - (starts[partition] ?? 0), 0),
        groups: ofGroups,
      }
    })
  } catch (error) {
    if (error instanceof KafkaError) throw error
    throw asSeaworthyError(error, 'a question for its topics')
  }
}
