import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { InMemoryEventLog } from '@seaworthy/testing'
import { type ConsumerStage, consumerStage } from './consumer-stage.ts'
import { published, sequences } from './events.ts'

void suite('a partition that goes to another member of the group', () => {
  test('is handed over when what is in progress of it is handled and committed; what has not begun is left to the other', async () => {
    const { stage, moving, staying } = await twoPartitions()
    const handler = Promise.withResolvers<void>()
    stage.behave = ({ id }) => (id === `${moving.key}-1` ? handler.promise : undefined)
    const consumer = await stage.start({ concurrencyMax: 4 })
    await stage.clock.advance(0)
    let handedOver = false
    const revoking = stage.log.revoke('history', moving).then(() => (handedOver = true))
    await stage.clock.advance(50)
    assert.equal(handedOver, false)
    handler.resolve()
    await stage.clock.advance(0)
    await revoking
    assert.deepEqual(sequences(stage.handled), { [moving.key]: [1], [staying.key]: [1, 2, 3] })
    assert.equal(await lagOf(stage.log), 2, 'the one in progress was not committed')
    assert.equal(consumer.status().uncommitted, 0)
    await consumer.stop()
    assert.deepEqual(stage.clock.pending, [])
  })

  test('ends the wait for another attempt, and the next one is made by its new reader', async () => {
    const { stage, moving } = await twoPartitions()
    stage.behave = ({ key }) => {
      if (key === moving.key) throw new Error('not yet')
    }
    const consumer = await stage.start({ concurrencyMax: 4 })
    await stage.clock.advance(100)
    assert.equal(consumer.status().retrying.length, 1)
    await stage.log.revoke('history', moving)
    assert.deepEqual(consumer.status().retrying, [])
    await stage.clock.advance(60_000)
    assert.deepEqual(
      stage.attempts.filter(({ id }) => id.startsWith(moving.key)),
      [{ id: `${moving.key}-1`, attempt: 1 }],
    )
    await consumer.stop()
  })

  test('does not wait for ever: a commit that comes too late is refused, and everything else goes on', async () => {
    const { stage, moving, staying } = await twoPartitions()
    const handler = Promise.withResolvers<void>()
    stage.behave = ({ key }) => (key === moving.key ? handler.promise : undefined)
    const consumer = await stage.start({ concurrencyMax: 4 })
    await stage.clock.advance(0)
    const revoking = stage.log.revoke('history', moving, { graceMs: 1_000 })
    await stage.clock.advance(1_000)
    await revoking
    handler.resolve()
    await stage.clock.advance(200)
    assert.match(consumer.status().lastError!.message, /PartitionRevokedError.*Another member handles again/)
    assert.equal(await lagOf(stage.log), 3, 'a commit counted for a partition that another member reads')
    await stage.log.append('things', [published(staying.key, 4)])
    await stage.clock.advance(200)
    assert.deepEqual(sequences(stage.handled)[staying.key], [1, 2, 3, 4])
    assert.equal(consumer.status().uncommitted, 0)
    assert.equal(consumer.status().state, 'running')
    await consumer.stop()
  })

  test('begins a new count when it comes back, so that the end of its first stay does not skip what came again', async () => {
    const { stage, moving } = await twoPartitions()
    const handlers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let begun = 0
    stage.behave = ({ id }) => (id === `${moving.key}-1` ? handlers[begun++]?.promise : undefined)
    const consumer = await stage.start({ concurrencyMax: 4, handlerTimeoutMs: 600_000 })
    await stage.clock.advance(0)
    const revoking = stage.log.revoke('history', moving, { graceMs: 1_000 })
    await stage.clock.advance(1_000)
    await revoking
    stage.log.giveBack('history', moving)
    await stage.clock.advance(1_000)
    // The first stay ends while the second one has the same record in progress: the key goes on in order, in one lane.
    handlers[0]!.resolve()
    await stage.clock.advance(1_000)
    assert.equal(begun, 2)
    assert.equal(await lagOf(stage.log), 2, 'more was committed than the one that its first stay handled')
    handlers[1]!.resolve()
    await stage.clock.advance(1_000)
    assert.equal(await lagOf(stage.log), 0)
    assert.deepEqual(sequences(stage.handled)[moving.key], [1, 1, 2, 3])
    await consumer.stop()
  })
})

interface Place {
  readonly topic: string
  readonly partition: number
  readonly key: string
}

/** Three events of one key in each of two partitions. */
async function twoPartitions(): Promise<{ stage: ConsumerStage; moving: Place; staying: Place }> {
  const stage = consumerStage({ partitions: 2 })
  const places = new Map<number, Place>()
  for (let letter = 0; places.size < 2; letter++) {
    const key = `key${letter}`
    await stage.log.append('sorted', [published(key, 1)])
    const partition = stage.log.partitions('sorted').findIndex((records) => records.some(({ event }) => event.key === key))
    if (!places.has(partition)) places.set(partition, { topic: 'things', partition, key })
  }
  const [moving, staying] = [places.get(0)!, places.get(1)!]
  for (const n of [1, 2, 3]) await stage.log.append('things', [published(moving.key, n), published(staying.key, n)])
  return { stage, moving, staying }
}

async function lagOf(log: InMemoryEventLog): Promise<number> {
  const status = (await log.topics()).find(({ topic }) => topic === 'things')!
  return status.groups[0]!.lag
}
