import { eventually } from '../eventually.ts'
import type { Asking } from './ask.ts'
import type { Customers, Purchase } from './customers.ts'

/** What is there in the end, beside what customers wanted. */
export interface Audit {
  /** Checkouts that customers wanted. */
  readonly wanted: number
  /** Those of them that had no decision at first, and were sent again under their keys. */
  readonly repeated: number
  /** Orders of which somebody was told, and which their customer's history does not have as completed. */
  readonly missing: readonly string[]
  /** Orders of which nobody was told: a checkout that was made twice. */
  readonly unasked: readonly string[]
  /** What the ledger says was charged, beside what the orders come to. */
  readonly chargedCents: number
  readonly orderedCents: number
  /** Of all balances of the ledger. */
  readonly sumCents: number
}

/** An order of the past, which the seed invented. */
const isOfSeed = (orderId: string) => /^order-\d+$/.test(orderId)
const READERS = 16
const PAGE_SIZE = 100

/** Sends every checkout again that was not decided. @returns how many there were; @throws TimeoutError where that does not end */
export async function repeat(customers: Customers): Promise<number> {
  const undecided = customers.purchases.filter(({ order }) => order === undefined)
  await inParallel(undecided, (purchase) =>
    eventually(
      `checkout ${purchase.key} is decided`,
      async () => {
        await customers.buy(purchase)
        return purchase
      },
      ({ order }) => order !== undefined,
    ),
  )
  return undecided.length
}

/** Reads everything back, once nobody buys any more. @param ledgerUrl of whoever does payments */
export async function audit(
  shop: Asking,
  { purchases, repeated, ledger }: { readonly purchases: readonly Purchase[]; readonly repeated: number; readonly ledger: Asking },
): Promise<Audit> {
  const orders = purchases.flatMap(({ order }) => (order?.status === 'completed' ? [order] : []))
  const orderedCents = orders.reduce((sum, { totalCents }) => sum + totalCents, 0)
  const [missing, unasked]: [string[], string[]] = [[], []]
  await inParallel([...Map.groupBy(purchases, ({ customerId }) => customerId)], async ([customerId, own]) => {
    const known = new Set(own.flatMap(({ order }) => (order?.status === 'completed' ? [order.orderId] : [])))
    const listed = await eventually(
      `the history of ${customerId} has caught up`,
      () => historyOf(shop, customerId),
      (history) => [...known].every((orderId) => history.get(orderId) === 'completed'),
      CAUGHT_UP_WITHIN_MS,
    ).catch(() => historyOf(shop, customerId))
    missing.push(...[...known].filter((orderId) => listed.get(orderId) !== 'completed'))
    unasked.push(...[...listed.keys()].filter((orderId) => !known.has(orderId) && !isOfSeed(orderId)))
  })
  const booked = await eventually(
    'the ledger’s balances have caught up',
    () =>
      ledger.json<{ readonly sumCents: number; readonly cardClearingCents: number; readonly behind: number }>({ path: '/internal/ledger' }),
    ({ behind }) => behind === 0,
    CAUGHT_UP_WITHIN_MS,
  )
  return {
    wanted: purchases.length,
    repeated,
    missing,
    unasked,
    chargedCents: booked.cardClearingCents,
    orderedCents,
    sumCents: booked.sumCents,
  }
}

const CAUGHT_UP_WITHIN_MS = 20_000

async function historyOf(shop: Asking, customerId: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (let page = 1; ; page++) {
    const { items, total } = await shop.json<{ items: readonly { orderId: string; status: string }[]; total: number }>({
      path: `/api/customers/${customerId}/orders?page=${page}&pageSize=${PAGE_SIZE}`,
    })
    for (const { orderId, status } of items) found.set(orderId, status)
    if (items.length === 0 || page * PAGE_SIZE >= total) return found
  }
}

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const rest = items.values()
  await Promise.all(
    Array.from({ length: READERS }, async () => {
      for (const item of rest) await work(item)
    }),
  )
}
