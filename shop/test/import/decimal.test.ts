import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { decimalOf, times, toCents } from '../../import/decimal.ts'

const cents = (value: number) => toCents(decimalOf(value))

describe('rounding to cents', () => {
  test('what binary numbers get wrong is right', () => {
    assert.notEqual(Math.round(1.005 * 100), 101, 'or the test shows nothing')
    assert.equal(cents(1.005), 101)
    assert.equal(cents(8.345), 835)
    assert.equal(cents(0.285), 29)
    assert.equal(cents(4.35), 435)
    assert.equal(cents(36_999.99), 3_699_999)
  })

  test('half a cent goes away from zero, less goes towards it', () => {
    assert.equal(cents(0.005), 1)
    assert.equal(cents(-0.005), -1)
    assert.equal(cents(0.0049999), 0)
    assert.equal(cents(-1.005), -101)
  })

  test('numbers that are printed with an exponent are read too', () => {
    assert.equal(cents(1e-7), 0)
    assert.equal(cents(5e-3), 1)
    assert.equal(decimalOf(1e21).digits, 10n ** 21n)
  })

  test('what is no number is refused', () => {
    assert.throws(() => cents(Number.NaN), /no finite number/)
    assert.throws(() => cents(Number.POSITIVE_INFINITY), /no finite number/)
  })

  test('every amount of thousandths is rounded as arithmetic on whole numbers rounds it', () => {
    fc.assert(
      fc.property(fc.integer({ min: -10_000_000_000, max: 10_000_000_000 }), (thousandths) => {
        const expected = Math.sign(thousandths) * Math.floor((Math.abs(thousandths) + 5) / 10)
        // The decimal literal of the number of thousandths, as a file would have it.
        const text = `${thousandths < 0 ? '-' : ''}${Math.floor(Math.abs(thousandths) / 1_000)}.${String(Math.abs(thousandths) % 1_000).padStart(3, '0')}`
        assert.equal(cents(Number(text)) + 0, expected + 0)
      }),
    )
  })

  test('a product of decimals is exact', () => {
    assert.equal(toCents(times(decimalOf(14.1), decimalOf(0.15))), 212)
  })
})
