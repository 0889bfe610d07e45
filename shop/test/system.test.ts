import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RestContract } from '@seaworthy/rpc/rest'
import { ConfigurationError, systemClock } from 'seaworthy/core'
import { handlers, on } from 'seaworthy/messaging'
import { calleeOf, choreography, type Route } from 'seaworthy/system'
import { inMemoryEventLog } from '@seaworthy/testing'
import { sqliteStores } from '../platform/engines/embedded.ts'
import { publicContracts } from '../platform/openapi.ts'
import { startParts } from '../platform/service-parts.ts'
import { readSwitches } from '../platform/switches.ts'
import { counting } from '../services/analytics/application/counting.ts'
import { service as analytics } from '../services/analytics/service.ts'
import { orderPlaced } from '../services/orders/contract/events.ts'
import { STAGES } from '../stages/stages.ts'
import { system, systemAt } from '../system.ts'
import { openServiceDatabase } from './service-database.ts'

/** The service that a path goes to: the route with the most literal segments, as the gateway chooses. */
function serviceOf(path: string, routes: readonly Route[]): string | undefined {
  const segments = path.split('/')
  const templates = routes.flatMap(({ path: first, also = [], service }) => [first, ...also].map((each) => ({ path: each, service })))
  const scored = templates.flatMap((route) => {
    const template = route.path.split('/')
    const isPrefix = template.at(-1) === '*'
    const fixed = isPrefix ? template.slice(0, -1) : template
    if (isPrefix ? segments.length <= fixed.length : segments.length !== fixed.length) return []
    if (!fixed.every((segment, index) => segment.startsWith(':') || segment === segments[index])) return []
    return [{ service: route.service, score: fixed.filter((segment) => !segment.startsWith(':')).length * 2 - (isPrefix ? 1 : 0) }]
  })
  return scored.toSorted((one, other) => other.score - one.score)[0]?.service
}

describe('the system', () => {
  test('has a monolith, eight services, a gateway and a console', () => {
    assert.deepEqual(system.services.map(({ name, role }) => `${name} ${role}`).toSorted(), [
      'analytics service',
      'console console',
      'gateway gateway',
      'inventory service',
      'monolith monolith',
      'notifications service',
      'order-history service',
      'orders service',
      'payments service',
      'shipping service',
      'storefront service',
    ])
  })

  test('routes every public operation to the service whose contract it is', () => {
    for (const stage of STAGES) {
      const { routes, standIns } = systemAt(stage)
      for (const [contract, { operations }] of Object.entries<RestContract>(publicContracts)) {
        const owner = contract === 'index' ? (stage.kept.length > 0 ? 'monolith' : 'storefront') : (standIns[contract] ?? contract)
        for (const { path } of Object.values(operations)) {
          assert.equal(serviceOf(path.replaceAll(/\{\w+\}/g, 'some-id'), routes), owner, `${path} at stage ${stage.number}`)
        }
      }
    }
  })

  test('puts every call of a service under a policy that its declaration names', () => {
    for (const { name, role, calls, policies } of STAGES.flatMap((stage) => systemAt(stage).services)) {
      if (role === 'gateway') continue
      assert.deepEqual([...new Set(Object.keys(policies).map(calleeOf))].toSorted(), [...calls].toSorted(), name)
    }
  })

  test('declares who reacts to what: a new customer is checked, welcomed and counted, and the check sets the limit', () => {
    const { events, topics } = choreography(system)
    const reactionsTo = (type: string) =>
      events.find((event) => event.type === type)?.reactions.map(({ service, does, followedBy }) => [service, does, ...followedBy])
    assert.deepEqual(reactionsTo('customer.created'), [
      ['payments', 'checks the credit', 'credit.checked'],
      ['notifications', 'writes a welcome'],
      ['analytics', 'counts the customer'],
    ])
    assert.deepEqual(reactionsTo('credit.checked'), [['monolith', 'sets the limit for one order']])
    assert.deepEqual(
      events.map(({ type, by, reactions }) => `${by} ${type}: ${reactions.map(({ service }) => service).join(', ')}`),
      [
        'monolith customer.created: payments, notifications, analytics',
        'monolith customer.imported: analytics',
        'monolith customer.forgotten: monolith, payments, notifications',
        'orders order.placed: order-history',
        'orders order.completed: notifications, analytics, order-history',
        'orders order.rejected: analytics, order-history',
        'orders order.imported: analytics, order-history',
        'inventory stock.reserved: ',
        'inventory stock.released: ',
        'payments payment.charged: ',
        'payments payment.refunded: ',
        'payments payment.declined: ',
        'payments credit.checked: monolith',
        'shipping shipment.booked: inventory, order-history',
        'shipping shipment.cancelled: order-history',
      ],
    )
    assert.deepEqual(topics, [], 'nobody hears a topic without saying what for')
    const last = choreography(systemAt(STAGES.at(-1)!))
    const shown = (type: string) =>
      last.events.filter((event) => event.type === type).map(({ by, reactions }) => [by, reactions.map(({ service }) => service)])
    assert.deepEqual(shown('customer.created'), [['customers', ['payments', 'notifications', 'analytics']]])
    assert.deepEqual(shown('credit.checked'), [['payments', ['customers']]])
    assert.deepEqual(shown('review.written'), [['reviews', ['catalog']]])
    assert.deepEqual(shown('customer.forgotten'), [['customers', ['reviews', 'customers', 'payments', 'notifications']]])
    for (const stage of STAGES) assert.deepEqual(choreography(systemAt(stage)).topics, [], `stage ${stage.number}`)
  })

  test('runs no reaction that is not declared, and misses none that is', async (t) => {
    const own = await openServiceDatabase()
    const nothing = async () => undefined
    const quiet = () => undefined
    const stops: (() => Promise<void> | void)[] = []
    t.after(async () => {
      for (const stop of stops.toReversed()) await stop()
      await own[Symbol.asyncDispose]()
    })
    const parts = startParts({
      service: analytics,
      database: own.database,
      stores: sqliteStores(own.database),
      log: inMemoryEventLog(),
      switches: readSwitches({}),
      clock: systemClock,
      logger: { info: quiet, warn: quiet, error: quiet, fatal: quiet },
      onStop: (_, stop) => void stops.push(stop),
      onRelay: () => undefined,
      onConsumer: () => assert.fail('a consumer was started'),
    })
    const declared = counting({ add: nothing, addSale: nothing } as never)
    const more = Object.assign(async () => undefined, { types: [...declared.types, orderPlaced.type] })
    await assert.rejects(
      parts.consume(more),
      (error: unknown) => error instanceof ConfigurationError && /reacts to order\.placed, and does not say so/.test(error.message),
    )
    const fewer = handlers([on(orderPlaced, nothing)], { others: 'ignore' })
    await assert.rejects(
      parts.consumeByItself(Object.assign(fewer, { types: declared.types.slice(1) })),
      /declares a reaction to order\.completed, and has no handler/,
    )
    await assert.rejects(
      own.database.transaction((tx) =>
        parts.outbox.add(
          tx,
          orderPlaced({ orderId: 'o', customerId: 'c', lines: [{ productId: 'p', name: 'p', quantity: 1, priceCents: 1 }], totalCents: 1 }),
        ),
      ),
      ConfigurationError,
    )
  })

  test('routes nothing internal', () => {
    for (const { routes } of STAGES)
      for (const path of ['/internal/import/products', '/internal/ledger', '/healthz']) assert.equal(serviceOf(path, routes), undefined)
  })

  test('loses a module of the monolith at each stage, and at the last one the monolith', () => {
    const shown = STAGES.map((stage) => {
      const { services, standIns } = systemAt(stage)
      const names = new Set(services.map(({ name }) => name))
      return {
        monolith: names.has('monolith'),
        services: ['reviews', 'catalog', 'customers'].filter((name) => names.has(name)),
        standIns,
      }
    })
    assert.deepEqual(shown, [
      { monolith: true, services: [], standIns: { catalog: 'monolith', reviews: 'monolith', customers: 'monolith' } },
      { monolith: true, services: ['reviews'], standIns: { catalog: 'monolith', customers: 'monolith' } },
      { monolith: true, services: ['reviews', 'catalog'], standIns: { customers: 'monolith' } },
      { monolith: false, services: ['reviews', 'catalog', 'customers'], standIns: {} },
    ])
  })

  test('has the module that leaves next beside the monolith, where it moves under traffic', () => {
    const moving = STAGES.map((stage) => {
      const { successors, routes } = systemAt(stage, { movable: true })
      return [successors, routes.flatMap(({ id, to }) => (to === undefined ? [] : [id]))]
    })
    assert.deepEqual(moving, [
      [{ reviews: 'monolith' }, ['reviews']],
      [{ catalog: 'monolith' }, ['products', 'product']],
      [{ customers: 'monolith' }, ['customers']],
      [{}, []],
    ])
  })

  test('has an owner for every topic at every stage, and no topic that changes its name on the way', () => {
    const topics = STAGES.map((stage) =>
      systemAt(stage)
        .services.flatMap(({ publishes }) => publishes)
        .toSorted(),
    )
    const before = topics[0]!
    for (const [number, published] of topics.entries())
      assert.deepEqual(published, number === 0 ? before : [...before, 'reviews'].toSorted(), `stage ${number}`)
  })
})
