import { client, type Invariant, invariant, type NodeDefinition, type System, violated, type WorldView } from '@seaworthy/simulation'
import { monolith } from '../../monolith/composition.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { analytics } from '../../services/analytics/composition.ts'
import { inventory } from '../../services/inventory/composition.ts'
import { notifications } from '../../services/notifications/composition.ts'
import { orderHistory } from '../../services/order-history/composition.ts'
import { orders } from '../../services/orders/composition.ts'
import { payments } from '../../services/payments/composition.ts'
import { shipping } from '../../services/shipping/composition.ts'
import { audit, type CheckoutAnswer, type Expected } from '../audit/audit.ts'
import { booksOf } from '../audit/books.ts'
import { MAILBOX, simulatedMailbox, type StoredMail } from './mailbox.ts'
import { serviceNode, type ServiceNodeOptions } from './service-node.ts'

/** One checkout of a customer. */
export interface Shopping {
  readonly customerId: string
  readonly product: string
  readonly quantity: number
  readonly card: 'ok' | 'declined' | 'slow'
}

const PRODUCTS = [
  { id: 'lamp', priceCents: 2_500, stock: 5 },
  { id: 'rope', priceCents: 400, stock: 300 },
]
/** Longer than the shop takes for an answer when nothing goes wrong, a slow card included. */
const PATIENCE_MS = 10_000

/** The shop with customers who check out under keys, one after another each, and do not give up. */
export function shopWorld(shopping: readonly Shopping[], options: { readonly without?: string } = {}): System {
  const customers = [...new Set(shopping.map(({ customerId }) => customerId))]
  const serves = (composition: ServiceComposition, more: Partial<ServiceNodeOptions> = {}): NodeDefinition =>
    serviceNode({ name: composition.service.name, compose: () => composition, ...options, ...more })
  return {
    nodes: [
      serves(monolith, {
        takesOver: {
          importProducts: {
            products: PRODUCTS.map(({ id, priceCents }) => ({ id, name: id, description: '', category: 'deck', priceCents })),
          },
          importCustomers: { customers: customers.map((id) => ({ id, name: id, email: `${id}@shop.example` })) },
        },
      }),
      serves(orders),
      serves(inventory, { takesOver: { importStock: { stock: PRODUCTS.map(({ id, stock }) => ({ productId: id, quantity: stock })) } } }),
      serves(payments),
      serves(shipping),
      serviceNode({ name: 'notifications', compose: (ports) => notifications(() => simulatedMailbox(ports)), ...options }),
      serves(analytics),
      serves(orderHistory()),
    ],
    clients: customers.map((customerId) =>
      client(customerId, async ({ call }) => {
        for (const [index, { product, quantity, card, customerId: whose }] of shopping.entries()) {
          if (whose !== customerId) continue
          const body = { customerId, lines: [{ productId: product, quantity }], card }
          await call('orders', 'checkout', { body }, { key: keyOf(index), attemptTimeoutMs: PATIENCE_MS })
        }
      }),
    ),
  }
}

const keyOf = (index: number) => `checkout-${index}`

/** The audit of the crash runs, on the simulated databases and mailbox. */
export function theBooksAreRight(shopping: readonly Shopping[]): Invariant {
  return invariant('the books are right', (view) => {
    const mailbox = view.shared<StoredMail>(MAILBOX)
    const books = booksOf((service, sql) => view.query(service, sql), [...(mailbox?.letters.values() ?? [])])
    const violations = audit(books, expectedOf(shopping, view))
    if (violations.length > 0) violated(`${violations.join('; ')}.`)
  })
}

function expectedOf(shopping: readonly Shopping[], { acknowledged }: WorldView): Expected {
  return {
    keys: shopping.map((_, index) => keyOf(index)),
    answers: new Map(acknowledged.map(({ key, answer }) => [key!, (answer as { readonly body: CheckoutAnswer }).body])),
    stockBefore: new Map(PRODUCTS.map(({ id, stock }) => [id, stock])),
    countersBefore: new Map(),
    ordersBefore: new Set(),
  }
}
