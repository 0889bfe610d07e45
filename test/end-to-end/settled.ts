import { audit, type Expected } from '../../shop/test/audit/audit.ts'
import type { Books } from '../../shop/test/audit/books.ts'
import { readBooks } from './books.ts'
import { type Shop, until } from './shop.ts'

const SETTLE_TIMEOUT_MS = 120_000
/** Longer than a saga backs off between two attempts. */
const UNCHANGED_MS = 15_000

/** The books once the past orders of the first start have arrived everywhere. */
export function openedBooks(shop: Shop): Promise<Books> {
  return until(
    async () => {
      const books = await readBooks(shop)
      const past = books.orders.filter(({ status }) => status === 'completed').length
      return books.counters.get('orders-completed') === past && books.history.size === books.orders.length ? books : undefined
    },
    { timeoutMs: SETTLE_TIMEOUT_MS, what: 'the past orders in analytics and history' },
  )
}

/** What must be true after customers checked out in a shop whose books were `before`. */
export function expectedAfter(before: Books, shopped: Pick<Expected, 'keys' | 'answers'>): Expected {
  return {
    ...shopped,
    stockBefore: new Map(before.stock.map(({ productId, onHand, reserved, shipped }) => [productId, onHand + reserved + shipped])),
    countersBefore: before.counters,
    ordersBefore: new Set(before.orders.map(({ id }) => id)),
  }
}

/** Reads the books until nothing is wrong, or nothing has changed for a while: what is wrong then stays wrong. */
export async function settled(
  shop: Shop,
  expected: Expected,
  { unchangedMs = UNCHANGED_MS }: { unchangedMs?: number } = {},
): Promise<readonly string[]> {
  const startedAt = performance.now()
  let last = ''
  let unchangedSince = startedAt
  for (;;) {
    const violations = await auditNow(shop, expected)
    const now = performance.now()
    if (violations.join('\n') !== last) {
      last = violations.join('\n')
      unchangedSince = now
    }
    if (violations.length === 0 || now - unchangedSince > unchangedMs || now - startedAt > SETTLE_TIMEOUT_MS) return violations
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

async function auditNow(shop: Shop, expected: Expected): Promise<string[]> {
  let books: Books
  try {
    books = await readBooks(shop)
  } catch (error) {
    return [`the books cannot be read: ${String(error)}`]
  }
  return audit(books, expected)
}
