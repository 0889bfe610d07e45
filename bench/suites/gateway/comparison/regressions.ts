import type { EndpointName } from './shop-endpoints.ts'
import type { Change } from './side.ts'

/** A defect of the new service. */
export interface Regression {
  readonly name: string
  readonly endpoint: EndpointName
  /** Where it is to be found; a difference elsewhere does not count. */
  readonly field: string
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
