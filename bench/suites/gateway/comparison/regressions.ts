import type { EndpointName } from './shop-endpoints.ts'
import type { Change } from './side.ts'

/** A defect of the new service. */
export interface Regression {
  readonly name: string
  readonly endpoint: EndpointName
  /** Where it is to be found; a difference elsewhere does not count. */
  readonly field: string | RegExp
  readonly change: Change
}

const HOUR_MS = 3_600_000
const iso = (atMs: number) => new Date(atMs).toISOString()
const later = (text: string, ms: number) => iso(Date.parse(text) + ms)

/** Written before the comparison was tried on any of them. */
export const FIRST_REGRESSIONS: readonly Regression[] = [
  {
    name: 'the last element of a page is dropped',
    endpoint: 'products',
    field: 'body.items[]',
    change: ({ body }) => void body.items.pop(),
  },
  {
    name: 'a page begins one too late',
    endpoint: 'products',
    field: 'body.items[]',
    change: ({ body }) => void (body.items.push({ ...body.items[0], id: 999 }), body.items.shift()),
  },
  { name: 'a field is missing', endpoint: 'product', field: 'body.weightKg', change: ({ body }) => void delete body.weightKg },
  {
    name: 'null is left out',
    endpoint: 'product',
    field: 'body.brand',
    change: ({ body }) => void (body.brand === null && delete body.brand),
  },
  { name: 'null is an empty text', endpoint: 'order', field: 'body.note', change: ({ body }) => void (body.note ??= '') },
  {
    name: 'tax is cut off rather than rounded',
    endpoint: 'order',
    field: 'body.tax',
    change: ({ body }) => (body.tax = Math.floor(body.subtotal * 19) / 100),
  },
  {
    name: 'money is in cents',
    endpoint: 'product',
    field: 'body.price.amount',
    change: ({ body }) => (body.price.amount = Math.round(body.price.amount * 100)),
  },
  {
    name: 'a number is a text',
    endpoint: 'order',
    field: 'body.lines[].quantity',
    change: ({ body }) => {
      for (const line of body.lines) line.quantity = String(line.quantity)
    },
  },
  {
    name: 'money without its zeros',
    endpoint: 'order',
    field: 'body.freight',
    change: ({ body }) => (body.freight = String(Number(body.freight))),
  },
  {
    name: 'another order where order matters',
    endpoint: 'products',
    field: 'body.items',
    change: ({ body }) => (body.items = body.items.toReversed()),
  },
  {
    name: 'the history is newest first',
    endpoint: 'order',
    field: 'body.history',
    change: ({ body }) => (body.history = body.history.toReversed()),
  },
  {
    name: 'a time in local time without a zone',
    endpoint: 'order',
    field: 'body.placedAt',
    change: ({ body }) => (body.placedAt = later(body.placedAt, HOUR_MS).slice(0, 19)),
  },
  {
    name: 'a time off by an hour',
    endpoint: 'customerOrders',
    field: 'body.orders[].placedAt',
    change: ({ body }) => {
      for (const order of body.orders) order.placedAt = later(order.placedAt, -HOUR_MS)
    },
  },
  {
    name: 'a date off by a day near midnight',
    endpoint: 'order',
    field: 'body.deliveryDate',
    change: ({ body }) => {
      if (Number(body.placedAt.slice(11, 13)) >= 22) body.deliveryDate = later(`${body.deliveryDate}T00:00:00Z`, 24 * HOUR_MS).slice(0, 10)
    },
  },
  {
    name: '200 with nothing instead of 404',
    endpoint: 'missing',
    field: 'status',
    change: (draft) => {
      draft.status = 200
      draft.body = null
    },
  },
  {
    name: 'a header is lost',
    endpoint: 'products',
    field: 'header.x-total-count',
    change: ({ headers }) => void headers.delete('x-total-count'),
  },
  {
    name: 'an answer that may be cached and must not',
    endpoint: 'product',
    field: 'header.cache-control',
    change: ({ headers }) => headers.set('cache-control', 'max-age=600'),
  },
  {
    name: 'UTF-8 read as Latin-1',
    endpoint: 'product',
    field: 'body.title',
    change: ({ body }) => (body.title = Buffer.from(body.title, 'utf8').toString('latin1')),
  },
  {
    name: 'escaped for HTML',
    endpoint: 'product',
    field: 'body.description',
    change: ({ body }) => (body.description = body.description.replaceAll('&', '&amp;').replaceAll('<', '&lt;')),
  },
  {
    name: 'long integers lose their last digits',
    endpoint: 'order',
    field: 'body.invoiceId',
    change: ({ body }) => (body.invoiceId = Number(body.invoiceId)),
  },
  {
    name: 'a stale price',
    endpoint: 'product',
    field: 'body.price.amount',
    change: ({ body }) => {
      if (body.id % 5 === 0) body.price.amount = Math.round(body.price.amount * 90) / 100
    },
  },
  {
    name: 'an empty list is null',
    endpoint: 'product',
    field: 'body.reviews',
    change: ({ body }) => void (body.reviews.length === 0 && (body.reviews = null)),
  },
  {
    name: 'a time that differs by nature becomes null',
    endpoint: 'product',
    field: 'body.generatedAt',
    change: ({ body }) => (body.generatedAt = null),
  },
  {
    name: 'a time that differs by nature, an hour off',
    endpoint: 'product',
    field: 'body.generatedAt',
    change: ({ body }) => (body.generatedAt = later(body.generatedAt, HOUR_MS)),
  },
  {
    name: 'a list without an order loses an element',
    endpoint: 'product',
    field: 'body.tags[]',
    change: ({ body }) => void body.tags.pop(),
  },
]

/** Written after the comparison was done, to see what it does on defects that nobody had in mind while making it. */
export const LATER_REGRESSIONS: readonly Regression[] = [
  { name: 'the total counts the page', endpoint: 'products', field: 'body.total', change: ({ body }) => (body.total = body.items.length) },
  {
    name: 'the last page says that there is more',
    endpoint: 'products',
    field: 'body.next',
    change: ({ body }) => (body.next ??= '/products?page=6&sort=price'),
  },
  {
    name: 'the session cookie may be read by scripts',
    endpoint: 'products',
    field: 'header.set-cookie.sid.httponly',
    change: ({ headers }) => headers.set('set-cookie', headers.get('set-cookie')!.replace('; HttpOnly', '')),
  },
  {
    name: 'the session is that of somebody else each time',
    endpoint: 'products',
    field: 'header.set-cookie.sid.value',
    change: ({ headers }, { memory }) => {
      if (!memory.has('cookie')) memory.set('cookie', headers.get('set-cookie'))
      headers.set('set-cookie', memory.get('cookie') as string)
    },
  },
  {
    name: 'a third experiment that the monolith does not know',
    endpoint: 'products',
    field: 'body.variant',
    change: ({ body }, { random }) => void (random.float() < 0.3 && (body.variant = 'dark')),
  },
  {
    name: 'a whole number of cents is no decimal',
    endpoint: 'order',
    field: 'body.total',
    change: ({ body }) => (body.total = body.total.toFixed(2)),
  },
  {
    name: 'the discount is a percentage',
    endpoint: 'order',
    field: 'body.lines[].discount',
    change: ({ body }) => {
      for (const line of body.lines) line.discount = Math.round(line.discount * 100)
    },
  },
  {
    name: 'times in milliseconds where they were in seconds',
    endpoint: 'order',
    field: 'body.history[].at',
    change: ({ body }) => {
      for (const step of body.history) step.at *= 1_000
    },
  },
  {
    name: 'a time that differs by nature, in milliseconds where it was in seconds',
    endpoint: 'order',
    field: 'body.servedAt',
    change: ({ body }) => (body.servedAt *= 1_000),
  },
  {
    name: 'a rate that moves, turned upside down',
    endpoint: 'order',
    field: 'body.rates.USD',
    change: ({ body }) => (body.rates.USD = Math.round(1e4 / body.rates.USD) / 1e4),
  },
  {
    name: 'null at times, now an empty text at times',
    endpoint: 'order',
    field: 'body.promotion',
    change: ({ body }) => (body.promotion ??= ''),
  },
  {
    name: 'the customer of another order',
    endpoint: 'order',
    field: 'body.customer.id',
    change: ({ body }, { target }) =>
      void (target.endsWith('8') && (body.customer.id = body.customer.id.replace(/^./, 'f').replace(/.$/, '0'))),
  },
  {
    name: 'one element twice, another one not at all',
    endpoint: 'product',
    field: 'body.images[]',
    change: ({ body }) => (body.images[1] = body.images[0]),
  },
  {
    name: 'a signed address that never ends',
    endpoint: 'product',
    field: 'body.download',
    change: ({ body }) => (body.download = body.download.replace(/expires=\d+&/, '')),
  },
  {
    name: 'a signed address of another product',
    endpoint: 'product',
    field: 'body.download',
    change: ({ body }) => (body.download = body.download.replace(/\/p\/\d+/, '/p/100')),
  },
  {
    name: 'a field that is left out at times is never the same',
    endpoint: 'product',
    field: 'body.dimensions.width',
    change: ({ body }) => void (body.dimensions && (body.dimensions.width = Math.round(body.dimensions.width))),
  },
  {
    name: 'an average over the page instead of over all',
    endpoint: 'product',
    field: 'body.rating.average',
    change: ({ body }) =>
      void (
        body.reviews.length > 3 &&
        (body.rating.average = body.reviews.slice(0, 3).reduce((sum: number, { rating }: { rating: number }) => sum + rating, 0) / 3)
      ),
  },
  {
    name: 'a review of a list without an order lost its accents',
    endpoint: 'product',
    field: 'body.reviews[].author',
    change: ({ body }) => {
      for (const review of body.reviews) review.author = review.author.normalize('NFD').replaceAll(/\p{M}/gu, '')
    },
  },
  {
    name: 'a ranking by the wrong key among ties',
    endpoint: 'search',
    field: 'body.hits',
    change: ({ body }) => void body.hits.sort((a: { id: number }, b: { id: number }) => a.id - b.id),
  },
  {
    name: 'a search that forgets the limit',
    endpoint: 'search',
    field: 'body.hits[]',
    change: ({ body }) => void (body.hits.length >= 3 && body.hits.push({ ...body.hits[0], id: 1, title: 'one more', score: 0 })),
  },
  { name: 'a facet is missing', endpoint: 'search', field: 'body.facets.sale', change: ({ body }) => void delete body.facets.sale },
  { name: 'how long it took, in seconds', endpoint: 'search', field: 'body.tookMs', change: ({ body }) => (body.tookMs /= 1_000) },
  {
    name: 'revenue per group with one order too few',
    endpoint: 'statistics',
    field: /^body\.groups(?:\.\w+|\["[^"]+"\])\.revenue$/,
    change: ({ body }) => {
      for (const group of Object.values(body.groups as Record<string, { revenue: number; orders: number }>))
        if (group.orders > 3) group.revenue = Math.round(group.revenue * (1 - 1 / group.orders) * 100) / 100
    },
  },
  {
    name: 'a file with other line ends',
    endpoint: 'export',
    field: 'bytes.length',
    change: (draft) => (draft.body = draft.body.replaceAll('\r\n', '\n')),
  },
  {
    name: 'an error without its type',
    endpoint: 'missing',
    field: 'header.content-type',
    change: ({ headers }) => headers.set('content-type', 'application/json'),
  },
]
