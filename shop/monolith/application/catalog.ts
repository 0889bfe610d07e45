import { type Database, NotFoundError } from 'seaworthy/core'
import { offsetOf, type Page, type PageRequest } from '../../platform/paging.ts'

interface Product {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly category: string
  readonly brand?: string
  readonly priceCents: number
  readonly reviewCount: number
  /** Mean of the reviews' ratings; absent without reviews. */
  readonly rating?: number
}

export interface Catalog {
  search(request: PageRequest & { readonly text: string }): Promise<Page<Product>>
  /** @throws NotFoundError */
  product(id: string): Promise<Product>
}

// Straight from the table of reviews: in a monolith every module reaches into every table. By reviews_by_product.
const COLUMNS = `id, name, description, category, brand, price_cents,
  (SELECT count(*) FROM reviews WHERE product_id = products.id) AS review_count,
  (SELECT CAST(avg(rating) AS DOUBLE PRECISION) FROM reviews WHERE product_id = products.id) AS rating`
const MATCHES = String.raw`(lower(name) LIKE lower(?1) ESCAPE '\' OR lower(category) LIKE lower(?1) ESCAPE '\' OR lower(brand) LIKE lower(?1) ESCAPE '\')`
// A text in the middle of a name has no index: it reads the whole table, in the order of products_by_name.
const SEARCH = `SELECT ${COLUMNS} FROM products WHERE ${MATCHES} ORDER BY name, id LIMIT ?2 OFFSET ?3`
const COUNT = `SELECT count(*) AS total FROM products WHERE ${MATCHES}`
// By primary key.
const SELECT_PRODUCT = `SELECT ${COLUMNS} FROM products WHERE id = ?`

interface ProductRow {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly category: string
  readonly brand: string | null
  readonly price_cents: number
  readonly review_count: number
  readonly rating: number | null
}

export function catalog(database: Database): Catalog {
  return {
    async search({ text, page, pageSize }) {
      const pattern = `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
      const rows = await database.query<ProductRow>({ sql: SEARCH, params: [pattern, pageSize, offsetOf({ page, pageSize })] })
      const [count] = await database.query<{ total: number }>({ sql: COUNT, params: [pattern] })
      return { items: rows.map(toProduct), page, pageSize, total: count?.total ?? 0 }
    },
    async product(id) {
      const [row] = await database.query<ProductRow>({ sql: SELECT_PRODUCT, params: [id] })
      if (row === undefined) throw new NotFoundError(`There is no product ${id}.`)
      return toProduct(row)
    },
  }
}

function toProduct(row: ProductRow): Product {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    category: row.category,
    ...(row.brand !== null && { brand: row.brand }),
    priceCents: row.price_cents,
    reviewCount: row.review_count,
    ...(row.rating !== null && { rating: Math.round(row.rating * 100) / 100 }),
  }
}
