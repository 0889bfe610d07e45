import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { justBefore } from '../src/lsn.ts'

const place = (lsn: string) => {
  const [high, low] = lsn.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}

test('the place before another is one byte before it, over the border of the lower half too', () => {
  assert.equal(justBefore('16/B374D848'), '16/B374D847')
  assert.equal(justBefore('1/0'), '0/FFFFFFFF')
  assert.equal(justBefore('0/0'), '0/0')
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }), (at) => {
      const lsn = `${(at >> 32n).toString(16)}/${(at & 0xff_ff_ff_ffn).toString(16)}`
      assert.equal(place(justBefore(lsn)), at - 1n)
    }),
  )
})
