import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IngestQueue } from '../src/ingest-queue.ts'
import type { SpanRow } from '../src/otlp/rows.ts'

const row = (spanId: string, bytes = 2) => ({ spanId, bytes }) as SpanRow
const rows = (count: number) => Array.from({ length: count }, (_, index) => row(`s${index}`))

function collecting(options: { fail?: boolean; batchSizeMax?: number; spansMax?: number; bytesMax?: number } = {}) {
  const batches: string[][] = []
  const errors: number[] = []
  const queue = new IngestQueue({
    store: {
      write: async (batch) => {
        if (options.fail === true) throw new Error('disk full')
        batches.push(batch.map(({ spanId }) => spanId))
        return { stored: batch.length, dropped: 0 }
      },
    },
    onStored: () => undefined,
    onError: (_error, lost) => errors.push(lost),
    ...options,
  })
  return { queue, batches, errors }
}

test('everything that was taken is stored, in order and in batches', async () => {
  const { queue, batches } = collecting({ batchSizeMax: 4 })
  queue.offer(rows(10))
  await queue.drain()
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [4, 4, 2],
  )
  assert.deepEqual(
    batches.flat(),
    rows(10).map(({ spanId }) => spanId),
  )
  await queue.drain()
  queue.offer(rows(1))
  await queue.drain()
  assert.equal(queue.status.stored, 11)
})

test('spans that wait are stored without a drain', async () => {
  const { queue, batches } = collecting()
  queue.offer(rows(1))
  const endMs = performance.now() + 5_000
  while (batches.length === 0 && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(batches.length, 1)
})

test('a request that has no room is turned away whole and counted; one that is larger than the queue is taken by an empty one', async () => {
  const { queue, batches } = collecting({ spansMax: 5, batchSizeMax: 100 })
  assert.equal(queue.offer(rows(8)), true)
  assert.equal(queue.offer(rows(1)), false)
  await queue.drain()
  assert.equal(queue.offer(rows(1)), true)
  await queue.drain()
  assert.equal(batches.flat().length, 9)
  assert.deepEqual(queue.status, { queued: 0, received: 9, stored: 9, dropped: 0, refused: 1 })
})

test('the bytes that wait are bounded too', async () => {
  const { queue } = collecting({ bytesMax: 100 })
  assert.equal(queue.offer([row('a', 90)]), true)
  assert.equal(queue.offer([row('b', 90)]), false)
  await queue.drain()
  assert.equal(queue.offer([row('b', 90)]), true)
  await queue.drain()
})

test('a store that fails loses a batch, which is counted and told, and the next is tried', async () => {
  const { queue, errors } = collecting({ fail: true, batchSizeMax: 2 })
  queue.offer(rows(3))
  await queue.drain()
  assert.deepEqual(errors, [2, 1])
  assert.equal(queue.status.dropped, 3)
})
