import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import {
  type Basket,
  LINES_MAX,
  piecesIn,
  QUANTITY_MAX,
  read,
  withMore,
  withQuantity,
  written,
} from '../../../services/storefront/domain/basket.ts'

const productId = fc.oneof(
  fc.uuid(),
  fc.string({ minLength: 1, maxLength: 20 }).filter((text) => text.isWellFormed()),
)
const basket = fc
  .array(fc.tuple(productId, fc.integer({ min: 1, max: 200 })), { maxLength: 60 })
  .map((lines) => lines.reduce<Basket>((all, [id, quantity]) => withMore(all, id, quantity), []))

describe('a basket', () => {
  test('comes back from its cookie as it was', () => {
    fc.assert(fc.property(basket, (lines) => assert.deepEqual(read(written(lines)), lines)))
  })

  test('fits into a cookie, whatever is put into it, and has each product once', () => {
    fc.assert(
      fc.property(basket, (lines) => {
        assert.ok(written(lines).length <= 3_500 && lines.length <= LINES_MAX)
        assert.ok(lines.every(({ quantity }) => quantity >= 1 && quantity <= QUANTITY_MAX))
        assert.equal(new Set(lines.map((line) => line.productId)).size, lines.length)
      }),
    )
  })

  test('reads whatever a stranger sends, and takes nothing but lines from it', () => {
    fc.assert(fc.property(fc.string(), (cookie) => void read(cookie)))
    assert.deepEqual(read('a:2,b:0,%zz:1,c,:3,d:12345,e:1'), [
      { productId: 'a', quantity: 2 },
      { productId: 'e', quantity: 1 },
    ])
  })

  test('adds up, changes and loses lines', () => {
    const two = withMore(withMore([], 'chair', 1), 'chair', 1)
    assert.equal(piecesIn(withMore(two, 'lamp', 3)), 5)
    assert.deepEqual(withQuantity(two, 'chair', 7), [{ productId: 'chair', quantity: 7 }])
    assert.deepEqual(withQuantity(two, 'chair', 0), [])
  })
})
