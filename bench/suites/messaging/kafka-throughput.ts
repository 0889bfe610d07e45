import { Admin, Consumer, Producer, stringSerializers } from '@platformatic/kafka'
import { openKafkaEventLog } from '@seaworthy/kafka'
import type { Schema } from 'seaworthy/core'
import { type EventEnvelope, defineEvent } from 'seaworthy/messaging'
import { serverKinds } from '../../../test/servers/server-kinds.ts'
import type { Contender, Metric } from '../../harness/suite.ts'

const module = import.meta.url
const { variable } = serverKinds.find(({ name }) => name === 'kafka')!
const BATCH = 100
const APPENDS_AT_ONCE = 4
const PARTITIONS = 4
const KEYS = 1_000
const FILLER = 'x'.repeat(700)

interface Sized {
  readonly key: string
  readonly filler: string
}

const anything: Schema<Sized> = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: value as Sized }) },
}
const topic = `bench-${process.pid}`
const sized = defineEvent('sized', { topic, version: 1, key: ({ key }) => key, schema: anything })
let made = 0
/** Of 1 KB with its attributes. */
const nextEvent = (): EventEnvelope => sized({ key: `key-${made++ % KEYS}`, filler: FILLER })
const batch = () => Array.from({ length: BATCH }, nextEvent)

/** Messages per second, produced in batches, several on their way, and read by a group. */
async function perSecond(messages: number, send: () => Promise<unknown>, read: (count: number) => Promise<void>): Promise<number> {
  const startedMs = performance.now()
  const all = read(messages)
  let left = messages / BATCH
  await Promise.all(
    Array.from({ length: APPENDS_AT_ONCE }, async () => {
      while (left-- > 0) await send()
    }),
  )
  await all
  return (messages / (performance.now() - startedMs)) * 1_000
}

const messages = (quick: boolean) => (quick ? 2_000 : 20_000)

export const ours: Contender = async ({ quick }) => {
  const log = await openKafkaEventLog({ connection: process.env[variable]!, owns: [topic], partitions: PARTITIONS })
  const reader = await log.reader({ topics: [topic], group: topic })
  const read = async (count: number) => {
    for (let left = count; left > 0;) left -= (await reader.poll({ max: 1_000, waitMs: 1_000 })).length
  }
  return () => perSecond(messages(quick), () => log.append(topic, batch()), read)
}

/** The client by itself, told what ours tells it: all replicas, idempotent. What it carries is JSON too, made and read by hand. */
export const bare: Contender = async ({ quick }) => {
  const connection = { clientId: topic, bootstrapBrokers: [process.env[variable]!.replace('kafka://', '')] }
  const admin = new Admin(connection)
  await admin.createTopics({ topics: [topic], partitions: PARTITIONS })
  await admin.close()
  const producer = new Producer({ ...connection, serializers: stringSerializers, idempotent: true, acks: -1 })
  const consumer = new Consumer({ ...connection, groupId: topic })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: 1_000 })
  let wanted = 0
  let done = () => {}
  stream.on('data', ({ value }) => {
    JSON.parse(String(value))
    if (--wanted === 0) done()
  })
  const read = (count: number) =>
    new Promise<void>((resolve) => {
      wanted = count
      done = resolve
    })
  const send = () => producer.send({ messages: batch().map((event) => ({ topic, key: event.key, value: JSON.stringify(event) })) })
  return () => perSecond(messages(quick), send, read)
}

export const kafkaThroughputMetrics: readonly Metric[] = [
  {
    name: 'kafka-throughput',
    unit: 'messages per second, appended and read',
    better: 'higher',
    peer: '@platformatic/kafka used bare',
    target: { ratioMin: 0.85 },
    note: `Messages of 1 KB, ${BATCH} a batch, ${APPENDS_AT_ONCE} batches on their way, one broker.`,
    rounds: 9,
    missing: async () =>
      process.env[variable] === undefined
        ? `It needs a Kafka. Start one by "npm run servers -- up kafka", and set ${variable} as that prints it.`
        : undefined,
    contenders: { ours: { module, name: 'ours' }, peer: { module, name: 'bare' } },
  },
]
