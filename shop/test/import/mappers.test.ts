import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InvalidInputError } from 'seaworthy/core'
import { recognise } from '../../import/read-file.ts'

const product = {
  id: 1,
  title: 'Mascara',
  description: 'Black',
  category: 'beauty',
  brand: 'Essence',
  price: 9.995,
  discountPercentage: 10.48,
  stock: 5,
  reviews: [{ rating: 3, comment: 'So so', date: '2025-04-30T09:41:02.053Z', reviewerName: 'Eleanor Collins' }],
}
const northwind = {
  customers: [{ customerId: 'Val2 ', company: 'IT', contact: 'Val', city: null }],
  products: [{ productId: 11, name: 'Queso', category: 'Dairy', unitPrice: 21, stock: 22 }],
  orders: [
    {
      orderId: 10_248,
      customerId: 'Val2 ',
      orderedAt: '1996-07-04 00:00:00.000',
      freight: 32.38,
      lines: [{ productId: 11, unitPrice: 14.1, quantity: 7, discount: 0.15 }],
    },
  ],
}

function refusal(value: unknown): InvalidInputError {
  try {
    recognise(value, 'file.json')
  } catch (error) {
    assert.ok(error instanceof InvalidInputError)
    return error
  }
  throw new Error('The file was accepted.')
}

describe('the mapper of DummyJSON products', () => {
  test('a product becomes a product, its stock, and reviews under ids that repeat', () => {
    assert.deepEqual(recognise([product], 'file.json'), {
      format: 'DummyJSON products',
      data: {
        products: [{ id: 'dummyjson-1', name: 'Mascara', description: 'Black', category: 'beauty', brand: 'Essence', priceCents: 1_000 }],
        stock: [{ productId: 'dummyjson-1', quantity: 5 }],
        reviews: [
          {
            id: 'dummyjson-1-review-1',
            productId: 'dummyjson-1',
            author: 'Eleanor Collins',
            rating: 3,
            comment: 'So so',
            createdAt: '2025-04-30T09:41:02.053Z',
          },
        ],
        customers: [],
        orders: [],
      },
    })
  })

  test('a product without a brand has none', () => {
    const { brand: _, ...noBrand } = product
    assert.equal(recognise([noBrand], 'file.json').data.products[0]?.brand, undefined)
  })

  test('a bad value is named by its path in the file', () => {
    const error = refusal([product, { ...product, id: 2, price: -1, reviews: [{ ...product.reviews[0], rating: 6 }] }])
    assert.deepEqual(error.fields.map(({ field }) => field).toSorted(), ['[1].price', '[1].reviews[0].rating'])
    assert.match(error.message, /file\.json was not imported, because 2 of its values do not hold:\n {2}\[1\]/)
  })

  test('two products of one id are refused', () => {
    assert.deepEqual(
      refusal([product, product]).fields.map(({ field }) => field),
      ['[1].id'],
    )
  })
})

describe('the mapper of Northwind', () => {
  test('customer, product and order get ids that repeat, and what is to be paid is rounded once per line', () => {
    const { data } = recognise(northwind, 'file.json')
    assert.deepEqual(data.customers, [{ id: 'northwind-Val2', name: 'IT', email: 'val2@northwind.example' }])
    assert.deepEqual(data.stock, [{ productId: 'northwind-11', quantity: 22 }])
    // 7 × 14.10 = 98.70; 85 % of it is 83.895, to be paid: 83.90.
    assert.deepEqual(data.orders, [
      {
        id: 'northwind-10248',
        customerId: 'northwind-Val2',
        placedAt: '1996-07-04T00:00:00.000Z',
        lines: [{ productId: 'northwind-11', name: 'Queso', quantity: 7, priceCents: 1_410, discountCents: 1_480 }],
        totalCents: 8_390,
      },
    ])
  })

  test('an order for a customer or a product that is not in the file is refused', () => {
    const order = northwind.orders[0]!
    const error = refusal({ ...northwind, orders: [{ ...order, customerId: 'NOONE', lines: [{ ...order.lines[0], productId: 12 }] }] })
    assert.deepEqual(
      error.fields.map(({ field }) => field),
      ['orders[0].customerId', 'orders[0].lines[0].productId'],
    )
  })

  test('a day that does not exist is refused', () => {
    for (const orderedAt of ['1996-13-04 00:00:00.000', '1997-02-30', 'yesterday']) {
      const error = refusal({ ...northwind, orders: [{ ...northwind.orders[0], orderedAt }] })
      assert.deepEqual(
        error.fields.map(({ field }) => field),
        ['orders[0].orderedAt'],
      )
    }
  })

  test('two customers whose ids differ in blanks only are refused', () => {
    const error = refusal({ ...northwind, customers: [...northwind.customers, { customerId: 'Val2', company: 'IT' }] })
    assert.deepEqual(
      error.fields.map(({ field }) => field),
      ['customers[1].customerId'],
    )
  })
})

test('a file of neither shape is refused with what is known', () => {
  assert.match(refusal({ hello: 1 }).message, /neither of the files/)
})
