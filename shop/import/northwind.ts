import { z } from 'zod'
import { type Decimal, decimalOf, times, toCents } from './decimal.ts'
import type { ShopData } from './shop-data.ts'
import { refuseDuplicates } from './unique.ts'

const customerId = z.string().trim().min(1).max(80)
const unitPrice = z.number().min(0).max(10_000_000)

/** The Northwind trading data, as far as the shop has a use for it. */
export const northwindFile = z
  .object({
    customers: z.array(z.object({ customerId, company: z.string().trim().min(1).max(200) })),
    products: z.array(
      z.object({
        productId: z.int().min(1),
        name: z.string().min(1).max(200),
        category: z.string().min(1).max(100),
        unitPrice,
        stock: z.int().min(0),
      }),
    ),
    orders: z.array(
      z.object({
        orderId: z.int().min(1),
        customerId,
        orderedAt: z
          .string()
          .refine((text) => timeOf(text) !== undefined, 'must be a date that exists, such as 1996-07-04 00:00:00.000')
          .transform((text) => timeOf(text)!),
        lines: z
          .array(
            z.object({
              productId: z.int().min(1),
              unitPrice,
              quantity: z.int().min(1).max(1_000_000),
              /** A part of one: 0.15 is 15 %. */
              discount: z.number().min(0).max(1),
            }),
          )
          .min(1),
      }),
    ),
  })
  // An order for somebody or something that is not in the file would arrive without a name.
  .superRefine((file, context) => {
    refuseDuplicates(file.customers, { path: ['customers'], field: 'customerId', id: (customer) => customer.customerId }, context)
    refuseDuplicates(file.products, { path: ['products'], field: 'productId', id: (product) => product.productId }, context)
    refuseDuplicates(file.orders, { path: ['orders'], field: 'orderId', id: (order) => order.orderId }, context)
    const customers = new Set(file.customers.map((customer) => customer.customerId))
    const products = new Set(file.products.map((product) => product.productId))
    for (const [index, order] of file.orders.entries()) {
      if (!customers.has(order.customerId)) {
        context.addIssue({
          code: 'custom',
          path: ['orders', index, 'customerId'],
          message: `there is no customer ${order.customerId} in the file`,
        })
      }
      for (const [lineIndex, line] of order.lines.entries()) {
        if (!products.has(line.productId)) {
          context.addIssue({
            code: 'custom',
            path: ['orders', index, 'lines', lineIndex, 'productId'],
            message: `there is no product ${line.productId} in the file`,
          })
        }
      }
    }
  })

export type NorthwindFile = z.output<typeof northwindFile>

/**
 * The customer is the company. Northwind has no e-mail addresses: each gets one that leads nowhere (RFC 2606). Freight is left out,
 * because the shop's totals are of goods.
 */
export function fromNorthwind(file: NorthwindFile): ShopData {
  const names = new Map(file.products.map((product) => [product.productId, product.name]))
  return {
    products: file.products.map((product) => ({
      id: `northwind-${product.productId}`,
      name: product.name,
      description: '',
      category: product.category,
      priceCents: toCents(decimalOf(product.unitPrice)),
    })),
    stock: file.products.map((product) => ({ productId: `northwind-${product.productId}`, quantity: product.stock })),
    reviews: [],
    customers: file.customers.map((customer) => ({
      id: `northwind-${customer.customerId}`,
      name: customer.company,
      email: `${customer.customerId.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')}@northwind.example`,
    })),
    orders: file.orders.map((order) => {
      const lines = order.lines.map((line) => orderLine(line, names.get(line.productId)!))
      return {
        id: `northwind-${order.orderId}`,
        customerId: `northwind-${order.customerId}`,
        placedAt: order.orderedAt,
        lines,
        totalCents: lines.reduce((sum, line) => sum + line.quantity * line.priceCents - (line.discountCents ?? 0), 0),
      }
    }),
  }
}

type NorthwindLine = NorthwindFile['orders'][number]['lines'][number]

/** What is to be paid is rounded once per line, not once per piece: a hundred pieces would carry a hundred roundings. */
function orderLine(line: NorthwindLine, name: string): ShopData['orders'][number]['lines'][number] {
  const priceCents = toCents(decimalOf(line.unitPrice))
  const grossCents = priceCents * line.quantity
  const gross: Decimal = { digits: BigInt(grossCents), scale: 2 }
  const discountCents = grossCents - toCents(times(gross, oneMinus(decimalOf(line.discount))))
  return {
    productId: `northwind-${line.productId}`,
    name,
    quantity: line.quantity,
    priceCents,
    ...(discountCents > 0 && { discountCents }),
  }
}

function oneMinus({ digits, scale }: Decimal): Decimal {
  return { digits: 10n ** BigInt(scale) - digits, scale }
}

const TIME = /^(\d{4}-\d{2}-\d{2})(?: (\d{2}:\d{2}:\d{2})(?:\.\d{1,3})?)?$/

/** Northwind's times have no zone: they are taken as UTC. Undefined for a day that does not exist: JavaScript would take 30 February for 2 March. */
function timeOf(text: string): string | undefined {
  const [, day, time = '00:00:00'] = TIME.exec(text) ?? []
  const date = new Date(`${day}T${time}Z`)
  if (Number.isNaN(date.getTime())) return undefined
  const iso = date.toISOString()
  return iso.startsWith(`${day}T${time}`) ? iso : undefined
}
