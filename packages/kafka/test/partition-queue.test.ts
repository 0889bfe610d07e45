import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { PartitionQueue, type QueuedRecord } from '../src/partition-queue.ts'

const append = { deadlineMs: 0, recordsLeft: 1, isStoredInPart: false, failure: undefined, settle: () => undefined }

function queued(bytes = 10): QueuedRecord {
  return { message: { topic: 't', partition: 0, value: Buffer.alloc(0) }, bytes, append }
}

void suite('what waits for a partition', () => {
  test('goes in batches up to a size, in order, and one larger record goes alone', () => {
    const queue = new PartitionQueue('t', 0, 100)
    const records = [40, 50, 20, 300, 10].map((bytes) => queued(bytes))
    for (const record of records) queue.add(record)
    const batches: QueuedRecord[][] = []
    for (let batch = queue.fill(); batch !== undefined; batch = queue.fill()) {
      assert.equal(queue.fill(), batch, 'the next one left before it was known what became of this one')
      batches.push([...batch.records])
      queue.done({ refused: false })
    }
    assert.deepEqual(
      batches.map((batch) => batch.map(({ bytes }) => bytes)),
      [[40, 50], [20], [300], [10]],
    )
    assert.deepEqual(batches.flat(), records)
  })

  test('is halved when the broker finds it too large, and keeps its order and its numbers', () => {
    const queue = new PartitionQueue('t', 0, 100)
    const identity = { producerId: 1n, epoch: 0 }
    const records = [30, 30, 30].map((bytes) => queued(bytes))
    for (const record of records) queue.add(record)
    queue.number(queue.fill()!, identity)
    assert.ok(queue.split())
    const sent: QueuedRecord[] = []
    for (let batch = queue.fill(); batch !== undefined; batch = queue.fill()) {
      assert.ok(queue.number(batch, identity))
      assert.equal(batch.sequence, sent.length)
      sent.push(...batch.records)
      queue.done({ refused: false })
    }
    assert.deepEqual(sent, records)
    queue.add(queued(500))
    queue.fill()
    assert.ok(!queue.split())
  })

  test('never uses a number again that the broker may have seen, whatever becomes of the batches', () => {
    const outcomes = fc.constantFrom('stored', 'refused', 'never sent', 'given up in doubt', 'forgotten by the broker')
    fc.assert(
      fc.property(fc.array(fc.tuple(outcomes, fc.integer({ min: 1, max: 3 }))), (history) => {
        const queue = new PartitionQueue('t', 0, 100)
        let identity = { producerId: 1n, epoch: 0 }
        const renewed = () => ({ producerId: identity.producerId + 1n, epoch: 0 })
        // What the broker takes a batch by, and the number that it expects next under each identity.
        const seen = new Set<string>()
        let expected = 0
        for (const [outcome, count] of history) {
          for (let index = 0; index < count; index++) queue.add(queued())
          let batch = queue.fill()!
          if (outcome !== 'never sent') {
            assert.ok(queue.number(batch, identity))
            const name = `${identity.producerId}/${batch.sequence}`
            assert.ok(!seen.has(name), `${name} was used twice`)
            assert.equal(batch.sequence, expected)
            if (outcome !== 'refused') {
              seen.add(name)
              expected += batch.records.length
            }
          }
          if (outcome === 'given up in doubt' || outcome === 'forgotten by the broker') {
            queue.doubtNumbers()
            assert.ok(!queue.number(batch, identity), 'numbers went on under an identity that is in doubt')
            identity = renewed()
            expected = 0
          }
          if (outcome === 'forgotten by the broker') {
            batch = queue.fill()!
            assert.ok(queue.number(batch, identity))
            seen.add(`${identity.producerId}/${batch.sequence}`)
            expected += batch.records.length
          }
          queue.done({ refused: outcome === 'refused' })
        }
      }),
    )
  })
})
