import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { batchesOf } from '../../import/batches.ts'

test('batches hold every record once, in order, within the limits', () => {
  const limits = { recordsMax: 5, bytesMax: 60 }
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 80 })), (records) => {
      const batches = [...batchesOf(records, limits)]
      assert.deepEqual(batches.flat(), records)
      for (const batch of batches) {
        assert.ok(batch.length >= 1 && batch.length <= limits.recordsMax)
        const bytes = batch.reduce((sum, record) => sum + Buffer.byteLength(JSON.stringify(record)) + 1, 0)
        assert.ok(bytes <= limits.bytesMax || batch.length === 1)
      }
    }),
  )
})
