import type { Order, Product, ShopData } from './shop-data.ts'

/** An answer while it is made: noise and regressions change it. */
export interface Draft {
  status: number
  readonly headers: Map<string, string>
  // oxlint-disable-next-line typescript/no-explicit-any -- whoever plants a defect reaches into it anywhere
  body: any
}

export interface Endpoint {
  /** Its requests, each with other data. */
  readonly targets: readonly string[]
  answer(data: ShopData, target: string): Draft
}

const iso = (atMs: number) => new Date(atMs).toISOString()
const euros = (cents: number) => Math.round(cents) / 100

const draft = (body: unknown, headers: Readonly<Record<string, string>> = {}): Draft => ({
  status: 200,
  headers: new Map(Object.entries({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers })),
  body,
})

const numberIn = (target: string): number => Number(/\d+/.exec(target)?.[0])

const summary = ({ id, sku, title, priceCents, stock, tags }: Product) => ({
  id,
  sku,
  title,
  price: euros(priceCents),
  inStock: stock > 0,
  tags,
})

const linesOf = (order: Order, data: ShopData) =>
  order.lines.map(({ productId, quantity, discount }) => {
    const product = data.products.find(({ id }) => id === productId)!
    return {
      productId,
      quantity,
      unitPrice: euros(product.priceCents),
      discount,
      total: euros(product.priceCents * quantity * (1 - discount)),
    }
  })

const totalOf = (order: Order, data: ShopData): number => linesOf(order, data).reduce((sum, { total }) => sum + total, 0)

const PAGE = 10

/** As shops have them: lists and pages, one thing with what belongs to it, sums, maps, a search, a file. */
export const ENDPOINTS = {
  products: {
    targets: [0, 1, 2, 3, 4, 5].map((page) => `/products?page=${page}&sort=price`),
    answer(data, target) {
      const page = numberIn(target)
      const sorted = data.products.toSorted((a, b) => a.priceCents - b.priceCents || a.id - b.id)
      const items = sorted.slice(page * PAGE, (page + 1) * PAGE).map(summary)
      const hasMore = (page + 1) * PAGE < sorted.length
      return draft(
        {
          items,
          total: sorted.length,
          page,
          pages: Math.ceil(sorted.length / PAGE),
          hasMore,
          next: hasMore ? `/products?page=${page + 1}&sort=price` : null,
        },
        { 'x-total-count': String(sorted.length), link: `</products?page=${page + 1}>; rel="next"`, vary: 'Accept, Accept-Language' },
      )
    },
  },
  product: {
    targets: Array.from({ length: 30 }, (_, index) => `/products/${100 + index * 2}`),
    answer(data, target) {
      const product = data.products.find(({ id }) => id === numberIn(target))!
      const { id, sku, title, description, priceCents, stock, weightKg, tags, brand, addedMs, reviews } = product
      const average = reviews.length === 0 ? null : reviews.reduce((sum, { rating }) => sum + rating, 0) / reviews.length
      return draft(
        {
          id,
          sku,
          title,
          description,
          brand,
          tags,
          price: { amount: euros(priceCents), currency: 'EUR', formatted: `${euros(priceCents).toFixed(2)} €`, taxIncluded: true },
          stock,
          weightKg,
          dimensions: { unit: 'cm', width: (id % 17) + 0.5, height: (id % 11) + 0.25 },
          addedAt: iso(addedMs),
          availableFrom: iso(addedMs).slice(0, 10),
          rating: { average, count: reviews.length },
          reviews: reviews.map(({ id: reviewId, rating, comment, author, atMs }) => ({
            id: reviewId,
            rating,
            comment,
            author,
            at: iso(atMs),
          })),
          images: [`https://cdn.example/p/${id}/front.jpg`, `https://cdn.example/p/${id}/back.jpg`],
        },
        { etag: `"p${id}"`, 'last-modified': new Date(addedMs).toUTCString() },
      )
    },
  },
  order: {
    targets: Array.from({ length: 30 }, (_, index) => `/orders/SO-${20_000 + index * 4}`),
    answer(data, target) {
      const order = data.orders.find(({ number }) => target.endsWith(number))!
      const customer = data.customers.find(({ id }) => id === order.customerId)!
      const lines = linesOf(order, data)
      const subtotal = lines.reduce((sum, { total }) => sum + total, 0)
      return draft({
        number: order.number,
        customer: { id: customer.id, name: customer.name, city: customer.city },
        placedAt: iso(order.placedMs),
        deliveryDate: iso(order.placedMs + 3 * 86_400_000).slice(0, 10),
        lines,
        subtotal: euros(subtotal * 100),
        tax: euros(subtotal * 19),
        freight: (order.freightCents / 100).toFixed(2),
        total: euros(subtotal * 119 + order.freightCents),
        note: order.lines.length > 2 ? 'large order' : null,
        history: [
          { status: 'placed', at: Math.floor(order.placedMs / 1_000) },
          { status: 'paid', at: Math.floor(order.placedMs / 1_000) + 60 },
          { status: 'shipped', at: Math.floor(order.placedMs / 1_000) + 90_000 },
        ],
        invoiceId: 9_007_199_254_740_000n + BigInt(numberIn(target.slice(10))) * 3n + 7_777_777n,
      })
    },
  },
  customerOrders: {
    targets: [0, 1, 2, 3, 4, 5, 6, 7].map((index) => `/customers/${index}/orders`),
    answer(data, target) {
      const customer = data.customers[numberIn(target)]!
      const orders = data.orders.filter(({ customerId }) => customerId === customer.id).toSorted((a, b) => b.placedMs - a.placedMs)
      return draft({
        customer: customer.name,
        email: customer.email,
        orders: orders
          .slice(0, 12)
          .map((order) => ({ number: order.number, placedAt: iso(order.placedMs), total: euros(totalOf(order, data) * 100) })),
        spent: euros(orders.reduce((sum, order) => sum + totalOf(order, data), 0) * 100),
        count: orders.length,
      })
    },
  },
  statistics: {
    targets: ['/statistics?by=city', '/statistics?by=tag', '/statistics?by=day'],
    answer(data, target) {
      const by = target.slice(target.indexOf('=') + 1)
      const groups: Record<string, { orders: number; revenue: number; share: number }> = {}
      for (const order of data.orders.slice(0, 40)) {
        const customer = data.customers.find(({ id }) => id === order.customerId)!
        const keys =
          by === 'city'
            ? [customer.city]
            : by === 'day'
              ? [iso(order.placedMs).slice(0, 10)]
              : data.products[order.lines[0]!.productId - 100]!.tags
        for (const key of keys) {
          const group = (groups[key] ??= { orders: 0, revenue: 0, share: 0 })
          group.orders++
          group.revenue = euros((group.revenue + totalOf(order, data)) * 100)
          group.share = group.orders / 40
        }
      }
      return draft({ by, groups, currency: 'EUR' }, { 'cache-control': 'max-age=60, public' })
    },
  },
  search: {
    targets: ['chair', 'lamp', 'desk', 'rope', 'mug', 'e', 'o', 'nothing-there'].map((term) => `/search?q=${term}`),
    answer(data, target) {
      const term = target.slice(target.indexOf('=') + 1)
      const hits = data.products.filter(({ title }) => title.toLowerCase().includes(term))
      const ranked = hits.map((product) => ({
        id: product.id,
        title: product.title,
        score: Math.round((product.reviews.length * 2 + 1) * 10) / 10,
      }))
      ranked.sort((a, b) => b.score - a.score || a.id - b.id)
      return draft({
        query: term,
        hits: ranked.slice(0, 12),
        total: hits.length,
        suggestions: hits.slice(0, 3).map(({ title }) => title.split(' ')[1]),
        facets: Object.fromEntries(
          [...new Set(hits.flatMap(({ tags }) => tags))].map((tag) => [tag, hits.filter(({ tags }) => tags.includes(tag)).length]),
        ),
      })
    },
  },
  export: {
    targets: [0, 1, 2, 3].map((page) => `/export/${page}`),
    answer(data, target) {
      const page = numberIn(target)
      const rows = data.products.slice(page * 15, (page + 1) * 15).map(({ sku, title, priceCents }) => `${sku};${title};${priceCents}`)
      const answer = draft(['sku;title;cents', ...rows].join('\r\n'), {
        'content-disposition': `attachment; filename="products-${page}.csv"`,
      })
      answer.headers.set('content-type', 'text/csv; charset=utf-8')
      return answer
    },
  },
  missing: {
    targets: [901, 902, 903, 904, 905, 906].map((id) => `/products/${id}`),
    answer(_data, target) {
      const answer = draft({ type: 'about:blank', title: 'Not found', status: 404, detail: `There is no product ${numberIn(target)}.` })
      answer.status = 404
      answer.headers.set('content-type', 'application/problem+json')
      return answer
    },
  },
} as const satisfies Readonly<Record<string, Endpoint>>

export type EndpointName = keyof typeof ENDPOINTS
