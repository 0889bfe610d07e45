import { client, type Invariant, invariant, type NodeDefinition, type System, violated, type WorldView } from '@seaworthy/simulation'
import { monolith } from '../../monolith/composition.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { analytics } from '../../services/analytics/composition.ts'
import { catalog } from '../../services/catalog/composition.ts'
import { customers } from '../../services/customers/composition.ts'
import { inventory } from '../../services/inventory/composition.ts'
import { notifications } from '../../services/notifications/composition.ts'
import { orderHistory } from '../../services/order-history/composition.ts'
import { orders } from '../../services/orders/composition.ts'
import { payments } from '../../services/payments/composition.ts'
import { reviews } from '../../services/reviews/composition.ts'
import { shipping } from '../../services/shipping/composition.ts'
import { stageOf } from '../../stages/stages.ts'
import { systemAt } from '../../system.ts'
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

export interface ShopWorldOptions {
  /** Safety nets that are taken away, as SHOP_WITHOUT names them. */
  readonly without?: string
  /** Default: the first. */
  readonly stage?: number
}

/** The shop with customers who check out under keys, one after another each, and do not give up. */
export function shopWorld(shopping: readonly Shopping[], { without, stage: number = 0 }: ShopWorldOptions = {}): System {
  const buyers = [...new Set(shopping.map(({ customerId }) => customerId))]
  const stage = stageOf(number)
  const options = { without, standIns: systemAt(stage).standIns }
  const serves = (composition: ServiceComposition, more: Partial<ServiceNodeOptions> = {}): NodeDefinition =>
    serviceNode({ name: composition.service.name, compose: () => composition, ...options, ...more })
  const importProducts = {
    products: PRODUCTS.map(({ id, priceCents }) => ({ id, name: id, description: '', category: 'deck', priceCents })),
  }
  const importCustomers = { customers: buyers.map((id) => ({ id, name: id, email: `${id}@shop.example` })) }
  const owners = {
    catalog: () => serves(catalog, { takesOver: { importProducts } }),
    reviews: () => serves(reviews),
    customers: () => serves(customers, { takesOver: { importCustomers } }),
  }
  const takenOver = {
    ...(stage.kept.includes('catalog') && { importProducts }),
    ...(stage.kept.includes('customers') && { importCustomers }),
  }
  return {
    nodes: [
      ...(stage.kept.length > 0 ? [serves(monolith(stage.kept), { takesOver: takenOver })] : []),
      ...stage.moved.map((module) => owners[module]()),
      serves(orders),
      serves(inventory, { takesOver: { importStock: { stock: PRODUCTS.map(({ id, stock }) => ({ productId: id, quantity: stock })) } } }),
      serves(payments()),
      serves(shipping),
      serviceNode({ name: 'notifications', compose: (ports) => notifications(() => simulatedMailbox(ports)), ...options }),
      serves(analytics),
      serves(orderHistory()),
    ],
    clients: buyers.map((customerId) =>
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
