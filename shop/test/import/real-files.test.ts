import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readImportFile } from '../../import/read-file.ts'

/** The public data sets lie beside the repository, not in it. */
const folder = process.env['SEAWORTHY_SHARED_DATA'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const absent = existsSync(join(folder, 'products.json'))
  ? false
  : `The public data sets are not in ${folder}. Set SEAWORTHY_SHARED_DATA to the folder with products.json and orders.json.`

describe('the real files', { skip: absent }, () => {
  test('194 products of DummyJSON with 582 reviews; no price loses a cent', () => {
    const { format, data } = readImportFile(join(folder, 'products.json'))
    assert.equal(format, 'DummyJSON products')
    assert.deepEqual([data.products.length, data.stock.length, data.reviews.length], [194, 194, 582])
    assert.deepEqual(data.products[0], {
      id: 'dummyjson-1',
      name: 'Essence Mascara Lash Princess',
      description: data.products[0]?.description,
      category: 'beauty',
      brand: 'Essence',
      priceCents: 999,
    })
    assert.equal(new Set(data.reviews.map(({ id }) => id)).size, 582)
  })

  test('93 customers, 77 products and 830 orders of Northwind; the turnover agrees with the published one to a few cents', () => {
    const { format, data } = readImportFile(join(folder, 'orders.json'))
    assert.equal(format, 'Northwind orders')
    assert.deepEqual([data.customers.length, data.products.length, data.orders.length], [93, 77, 830])
    assert.equal(
      data.orders.reduce((sum, order) => sum + order.lines.length, 0),
      2_155,
    )
    const turnoverCents = data.orders.reduce((sum, order) => sum + order.totalCents, 0)
    // Northwind's turnover after discounts is 1,265,793.0395; each of 2,155 lines may be rounded by half a cent.
    assert.ok(Math.abs(turnoverCents - 126_579_304) < 100, `${turnoverCents}`)
  })
})
