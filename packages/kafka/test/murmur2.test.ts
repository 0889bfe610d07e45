import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { murmur2, partitionOf } from '../src/murmur2.ts'

void suite("Kafka's hash of a key", () => {
  test('is what the Java client computes', () => {
    // From org.apache.kafka.common.utils.UtilsTest of Kafka.
    const known = [
      ['21', -973_932_308],
      ['foobar', -790_332_482],
      ['a-little-bit-long-string', -985_981_536],
      ['a-little-bit-longer-string', -1_486_304_829],
      ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
      ['abc', 479_470_107],
    ] as const
    for (const [text, hash] of known) assert.equal(murmur2(Buffer.from(text)), hash, text)
  })

  test('gives every key a partition that there is', () => {
    for (let length = 0; length < 40; length++) {
      const partition = partitionOf(Buffer.alloc(length, 0xff), 7)
      assert.ok(Number.isInteger(partition) && partition >= 0 && partition < 7)
    }
  })
})
