import { seededRandom } from 'seaworthy/core'
import { audit, type Expected } from './audit.ts'
import { type Books, readBooks } from './books.ts'
import { createCustomer, persistentCheckout, type Product, request } from './client.ts'
import { type Shop, startShop, until } from './shop.ts'

export interface CrashRunOptions {
  readonly checkouts: number
  readonly clients: number
  /** Which services are killed, at random moments. */
  readonly victims: readonly string[]
  /** Time from one kill to the next, in ms, drawn evenly. */
  readonly killEveryMs: readonly [number, number]
  /** What is switched off to show that the run notices: see shop/platform/switches.ts. */
  readonly without?: string
  readonly seed: number
}

export interface CrashRun {
  /** What the books have that must not be. */
  readonly violations: readonly string[]
  readonly kills: Readonly<Record<string, number>>
  readonly orders: number
  readonly tookMs: number
}

/** The run that must leave the books right. */
export const CRASH_RUN = {
  checkouts: 200,
  clients: 8,
  victims: ['orders', 'payments', 'inventory', 'notifications'],
  killEveryMs: [1_000, 3_000],
} as const satisfies Partial<CrashRunOptions>

const SETTLE_TIMEOUT_MS = 120_000
/** Longer than a saga backs off between two attempts. */
const UNCHANGED_MS = 15_000

/** Customers check out and do not give up, while services are killed with SIGKILL; then the books are read. */
export async function crashRun(options: CrashRunOptions): Promise<CrashRun> {
  const startedAt = performance.now()
  await using shop = await startShop(options.without === undefined ? {} : { env: { SHOP_WITHOUT: options.without } })
  const before = await openedBooks(shop)
  const random = seededRandom(options.seed)
  const products = (await request<{ items: Product[] }>(`${shop.gateway}/api/products?page=1`)).body.items
  const customers = await Promise.all(
    Array.from({ length: options.clients }, (_, index) => createCustomer(shop.gateway, `Customer ${index}`)),
  )

  const keys = Array.from({ length: options.checkouts }, (_, index) => `crash-${options.seed}-${index}`)
  const waiting = [...keys]
  const customersAtWork = new AbortController()
  // Analytics counts, so that an event which is handled twice shows. Its own crashes are what brings events twice.
  const killing = Promise.all([
    killAtRandom(shop, options, customersAtWork.signal),
    killAtRandom(shop, { victims: ['analytics'], killEveryMs: [500, 1_500], seed: options.seed + 10 }, customersAtWork.signal),
  ])
  await Promise.all(
    customers.map(async (customerId) => {
      for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
        const draw = random.float()
        const card = draw < 0.1 ? 'slow' : draw < 0.2 ? 'declined' : 'ok'
        const product = products[Math.floor(random.float() * products.length)]!
        await persistentCheckout(
          shop.gateway,
          { customerId, lines: [{ productId: product.id, quantity: 1 + Math.floor(random.float() * 2) }], card },
          key,
          { timeoutMs: SETTLE_TIMEOUT_MS },
        )
      }
    }),
  ).finally(() => customersAtWork.abort())
  const [killed, crashed] = await killing
  const kills = { ...killed, ...crashed }

  const expected: Expected = {
    keys,
    stockBefore: new Map(before.stock.map(({ productId, onHand, reserved, shipped }) => [productId, onHand + reserved + shipped])),
    countersBefore: before.counters,
    ordersBefore: new Set(before.orders.map(({ id }) => id)),
  }
  const violations = await settled(shop, expected)
  return { violations, kills, orders: keys.length, tookMs: performance.now() - startedAt }
}

/** The books once the past orders of the first start have arrived everywhere. */
function openedBooks(shop: Shop): Promise<Books> {
  return until(
    () => {
      const books = readBooks(shop.dataDir)
      const past = books.orders.filter(({ status }) => status === 'completed').length
      return books.counters.get('orders-completed') === past && books.history.size === books.orders.length ? books : undefined
    },
    { timeoutMs: SETTLE_TIMEOUT_MS, what: 'the past orders in analytics and history' },
  )
}

async function killAtRandom(
  shop: Shop,
  { victims, killEveryMs: [least, most], seed }: Pick<CrashRunOptions, 'victims' | 'killEveryMs' | 'seed'>,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const random = seededRandom(seed + 1)
  const kills: Record<string, number> = Object.fromEntries(victims.map((victim) => [victim, 0]))
  for (let turn = 0; ;) {
    await new Promise((resolve) => setTimeout(resolve, least + random.float() * (most - least)))
    if (signal.aborted) return kills
    // In turns, so that each is hit, at moments that nobody chose.
    const victim = victims[turn % victims.length]!
    // Only what came back is killed again: on a slow machine it would otherwise never be there, and nothing would be tested.
    const { pid, state } = shop.process(victim)
    if (pid === null || state !== 'ready') continue
    try {
      process.kill(pid, 'SIGKILL')
      kills[victim]!++
      turn++
    } catch {
      // It went by itself in this moment; the supervisor is bringing it back.
    }
  }
}

/** Reads the books until nothing is wrong, or nothing has changed for a while: what is wrong then stays wrong. */
async function settled(shop: Shop, expected: Expected): Promise<readonly string[]> {
  const startedAt = performance.now()
  let last = ''
  let unchangedSince = startedAt
  for (;;) {
    const violations = auditNow(shop, expected)
    const now = performance.now()
    if (violations.join('\n') !== last) {
      last = violations.join('\n')
      unchangedSince = now
    }
    if (violations.length === 0 || now - unchangedSince > UNCHANGED_MS || now - startedAt > SETTLE_TIMEOUT_MS) return violations
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

function auditNow(shop: Shop, expected: Expected): string[] {
  let books: Books
  try {
    books = readBooks(shop.dataDir)
  } catch (error) {
    return [`the books cannot be read: ${String(error)}`]
  }
  return audit(books, expected)
}
