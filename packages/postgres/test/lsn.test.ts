import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { lsnAsBigInt, lsnAsNumber, numberAsLsn } from '../src/lsn.ts'

test('a place in the server’s log is the same as text, as a number and as 64 bits', () => {
  assert.equal(lsnAsBigInt('16/B374D848'), 0x16_b3_74_d8_48n)
  assert.equal(lsnAsBigInt('FFFFFFFF/FFFFFFFF'), (1n << 64n) - 1n)
  fc.assert(
    fc.property(fc.maxSafeNat(), (place) => {
      const lsn = numberAsLsn(place)
      assert.equal(lsnAsNumber(lsn), place)
      assert.equal(lsnAsBigInt(lsn), BigInt(place))
    }),
  )
})
