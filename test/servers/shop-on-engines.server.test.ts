import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { seededRandom } from 'seaworthy/core'
import { checkout } from '../end-to-end/client.ts'
import { seaworthy } from '../end-to-end/command.ts'
import { CRASH_RUN, crashRun } from '../end-to-end/crash-run.ts'
import { customersArrive } from '../end-to-end/customers.ts'
import { readBooks } from '../end-to-end/books.ts'
import { openedBooks } from '../end-to-end/settled.ts'
import { type Shop, startShop, until } from '../end-to-end/shop.ts'
import { turnOf } from '../../scripts/commit.ts'
import { startShopEngines } from './shop-engines.ts'

const READY_TIMEOUT_MS = 120_000
const seed = Number(process.env['SEAWORTHY_SEED'] ?? Date.now() % 1_000_000)

// Each takes more than a minute, and continuous integration has half an hour for everything: there a commit plays one of them.
const turn = turnOf(2)
const skipAt = (other: number) => ({ skip: turn === other ? 'continuous integration plays it for other commits' : false })

suite('the shop on PostgreSQL, Kafka and RabbitMQ', () => {
  let servers: Awaited<ReturnType<typeof startShopEngines>>
  before(async () => {
    servers = await startShopEngines()
  })
  after(() => servers.stop())

  test('services are killed at random, and every order is completed or undone, paid once, and told of once', skipAt(0), async (t) => {
    const { violations, kills, tookMs } = await crashRun({
      ...CRASH_RUN,
      checkouts: 60,
      seed,
      engines: servers.named(`crash-${seed}`),
      scale: ['orders=2'],
    })
    t.diagnostic(`seed ${seed}: kills ${JSON.stringify(kills)} in ${(tookMs / 1000).toFixed(0)} s`)
    assert.deepEqual(violations, [])
    for (const [victim, count] of Object.entries(kills)) assert.ok(count > 0, `${victim} was never killed`)
  })

  test('several instances share the work, and are replaced one after another without a checkout that fails', skipAt(1), async (t) => {
    await using shop = await startShop({
      engines: servers.named(`scale-${seed}`),
      scale: ['orders=2', 'payments=3', 'analytics=2', 'monolith=2'],
      readyTimeoutMs: READY_TIMEOUT_MS,
    })
    const opened = await openedBooks(shop)
    const customers = await customersArrive(shop.gateway, { count: 4 })
    const random = seededRandom(seed)
    const home = new AbortController()
    let orders = 0
    const refused: string[] = []
    const shopping = customers.ids.map(async (customerId, index) => {
      for (let turn = 0; !home.signal.aborted; turn++) {
        const product = customers.products[Math.floor(random.float() * customers.products.length)]!
        const order = { customerId, lines: [{ productId: product.id, quantity: 1 }], card: 'ok' }
        orders++
        try {
          // Asked once: whatever a restart does must not reach the customer.
          const { status, body } = await checkout(shop.gateway, order, { 'idempotency-key': `scale-${seed}-${index}-${turn}` })
          if (status !== 201 || body.status !== 'completed') refused.push(`${status} ${JSON.stringify(body)}`)
        } catch (error) {
          refused.push(String(error))
        }
      }
    })
    const before = pidsOf(shop)
    try {
      for (const service of ['orders', 'payments', 'monolith']) await seaworthy(['restart', service, '--data-dir', shop.dataDir])
    } finally {
      home.abort()
      await Promise.all(shopping)
    }
    t.diagnostic(`${orders} checkouts while 7 processes were replaced`)
    assert.deepEqual(refused, [])
    assert.ok(orders > 0)

    const replaced = pidsOf(shop)
    for (const instance of ['orders-1', 'orders-2', 'payments-1', 'payments-2', 'payments-3', 'monolith-1', 'monolith-2'])
      assert.notEqual(replaced.get(instance), before.get(instance), `${instance} was not replaced`)
    assert.match(await seaworthy(['status', '--data-dir', shop.dataDir]), /payments-1 .*\n.*payments-2 .*\n.*payments-3 /)
    await until(
      async () => {
        const { counters } = await readBooks(shop)
        return (counters.get('orders-completed') ?? 0) - (opened.counters.get('orders-completed') ?? 0) === orders
      },
      { timeoutMs: 60_000, what: 'every order to be counted once, by whichever instance' },
    )
  })
})

function pidsOf(shop: Shop): ReadonlyMap<string, number | null> {
  return new Map(shop.processes().map(({ instance, pid }) => [instance, pid]))
}
