import type { Database } from 'seaworthy/core'
import { offsetOf } from '../../../platform/paging.ts'
import { insertAll } from '../../../platform/statements.ts'
import type { ProductRepository, RatedProduct } from '../application/ports.ts'

const PRODUCTS = 'products (id, name, description, category, brand, price_cents)'
// By ratings_by_product, for each product of the page.
const RATED = `SELECT id, name, description, category, brand, price_cents,
  (SELECT count(*) FROM ratings WHERE product_id = products.id) AS rating_count,
  (SELECT coalesce(sum(rating), 0) FROM ratings WHERE product_id = products.id) AS rating_sum
  FROM products`
const MATCHES = String.raw`(lower(name) LIKE lower(?1) ESCAPE '\' OR lower(category) LIKE lower(?1) ESCAPE '\' OR lower(brand) LIKE lower(?1) ESCAPE '\')`
// A text in the middle of a name has no index: it reads the whole table, in the order of products_by_name.
const SEARCH = `${RATED} WHERE ${MATCHES} ORDER BY name, id LIMIT ?2 OFFSET ?3`
const COUNT = `SELECT count(*) AS total FROM products WHERE ${MATCHES}`
// By primary key.
const SELECT_PRODUCT = `${RATED} WHERE id = ?`
// By primary key, in both.
const KNOWN_STAYS = 'ON CONFLICT (id) DO NOTHING'
const RATE = 'INSERT INTO ratings (review_id, product_id, rating) VALUES (?, ?, ?) ON CONFLICT (review_id) DO NOTHING'
const SELECT_ANY = 'SELECT 1 AS found FROM products LIMIT 1'

interface ProductRow {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly category: string
  readonly brand: string | null
  readonly price_cents: number
  readonly rating_count: number
  /** A number that a server adds up as NUMERIC comes as text. */
  readonly rating_sum: number | string
}

export function productRepository(database: Database): ProductRepository {
  return {
    async search({ text, page, pageSize }) {
      const pattern = `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
      const rows = await database.query<ProductRow>({ sql: SEARCH, params: [pattern, pageSize, offsetOf({ page, pageSize })] })
      const [count] = await database.query<{ total: number }>({ sql: COUNT, params: [pattern] })
      return { items: rows.map(toProduct), page, pageSize, total: count?.total ?? 0 }
    },
    async find(id) {
      const [row] = await database.query<ProductRow>({ sql: SELECT_PRODUCT, params: [id] })
      return row === undefined ? undefined : toProduct(row)
    },
    async takeOver(tx, products) {
      if (products.length === 0) return 0
      const rows = products.map(({ id, name, description, category, brand, priceCents }) => [
        id,
        name,
        description,
        category,
        brand ?? null,
        priceCents,
      ])
      return (await tx.execute(insertAll(PRODUCTS, rows, KNOWN_STAYS))).rowCount
    },
    async rate(tx, { reviewId, productId, rating }) {
      await tx.execute({ sql: RATE, params: [reviewId, productId, rating] })
    },
    async isEmpty() {
      return (await database.query({ sql: SELECT_ANY })).length === 0
    },
  }
}

function toProduct(row: ProductRow): RatedProduct {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    category: row.category,
    ...(row.brand !== null && { brand: row.brand }),
    priceCents: row.price_cents,
    ratings: { count: row.rating_count, sum: Number(row.rating_sum) },
  }
}
