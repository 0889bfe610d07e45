import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { calleeOf, defineService, defineSystem, type ServiceDeclaration } from 'seaworthy/system'

const declared = (name: string, fields: Partial<ServiceDeclaration> = {}) =>
  defineService({
    name,
    context: 'sales',
    purpose: 'Sells things.',
    owns: [],
    publishes: [],
    consumes: [],
    calls: [],
    main: new URL('file:///main.ts'),
    serves: ['http'],
    ...fields,
  })

const refused = (make: () => unknown, ...why: readonly RegExp[]) =>
  assert.throws(make, (error: unknown) => {
    assert.ok(error instanceof ConfigurationError)
    assert.equal(error.executed, 'no')
    assert.equal(error.final, true)
    for (const each of why) assert.match(error.message, each)
    return true
  })

describe('a service', () => {
  test('has a name that can be a topic, a database and a host', () => {
    for (const name of ['', 'Orders', 'orders_1', '1orders', 'a'.repeat(41), '../orders']) refused(() => declared(name), /lower-case/)
    assert.equal(declared('orders-2').name, 'orders-2')
  })

  test('does not call itself', () => refused(() => declared('orders', { calls: ['orders'] }), /orders declares a call to itself/))

  test('declares policies for what it calls, by the callee or by what is asked of it, and only such as make sense', () => {
    const policies = { inventory: { timeout: { totalMs: 100 } }, 'catalog/reviews': { bulkhead: { concurrencyMax: 2, queueMax: 0 } } }
    const orders = declared('orders', { calls: ['inventory', 'catalog'], policies })
    assert.deepEqual(orders.policies, policies)
    assert.deepEqual(Object.keys(orders.policies).map(calleeOf), ['inventory', 'catalog'])
    assert.deepEqual(declared('quiet').policies, {})
    refused(() => declared('orders', { policies: { 'catalog/reviews': {} } }), /a policy for catalog\/reviews, but no call to catalog/)
    refused(
      () => declared('orders', { calls: ['inventory'], policies: { inventory: { timeout: { totalMs: -1 } } } }),
      /inventory of orders/,
      /totalMs is -1/,
    )
  })

  test('is a business service unless declared otherwise, and does not change', () => {
    const service = declared('orders')
    assert.equal(service.role, 'service')
    assert.equal(declared('edge', { role: 'gateway' }).role, 'gateway')
    assert.ok(Object.isFrozen(service))
  })
})

describe('a system', () => {
  test('names every rule that is broken at once', () => {
    refused(
      () =>
        defineSystem({
          name: 'shop',
          services: [
            declared('orders', { owns: ['orders'], publishes: ['orders'], calls: ['nobody'], consumes: ['silence'] }),
            declared('billing', { owns: ['orders'], publishes: ['orders'] }),
            declared('orders'),
          ],
          routes: [{ path: '/api/*', service: 'ghost' }],
        }),
      /System shop does not hold together/,
      /two services are called orders/,
      /database orders has two owners, orders and billing/,
      /topic orders has two owners, orders and billing/,
      /orders calls nobody, which is not in the system/,
      /orders consumes topic silence, which nobody publishes/,
      /route \/api\/\* leads to ghost/,
    )
  })

  test('finds its services by name, and says what there is when asked for another', () => {
    const shop = defineSystem({
      name: 'shop',
      services: [declared('orders', { calls: ['stock'] }), declared('stock')],
      routes: [{ path: '/api/orders', service: 'orders' }],
    })
    assert.equal(shop.service('stock').name, 'stock')
    refused(() => shop.service('billing'), /no service billing in system shop. It has: orders, stock/)
  })

  test('leads calls to a service that does not run yet to the one that stands in for it', () => {
    const services = [declared('orders', { calls: ['reviews'] }), declared('legacy')]
    const shop = defineSystem({ name: 'shop', services, routes: [], standIns: { reviews: 'legacy' } })
    assert.equal(shop.answering('reviews').name, 'legacy')
    assert.equal(shop.answering('orders').name, 'orders')
    refused(() => shop.answering('billing'), /no service billing/)
    refused(() => shop.service('reviews'), /no service reviews/)
    refused(() => defineSystem({ name: 'shop', services, routes: [] }), /orders calls reviews, which is not in the system/)
    refused(
      () => defineSystem({ name: 'shop', services, routes: [], standIns: { reviews: 'ghost', orders: 'legacy' } }),
      /ghost stands in for reviews, and is not in the system/,
      /legacy stands in for orders, which runs itself/,
    )
  })

  test('may have a service that takes over from another while it runs, and leads others to the stand-in until then', () => {
    const services = [declared('orders', { calls: ['reviews'] }), declared('legacy'), declared('reviews')]
    const routes = [{ id: 'reviews', path: '/api/reviews', service: 'legacy', to: 'reviews' }]
    const standIns = { reviews: 'legacy' }
    const shop = defineSystem({ name: 'shop', services, routes, standIns, successors: standIns })
    assert.equal(shop.answering('reviews').name, 'legacy')
    assert.equal(shop.service('reviews').name, 'reviews')
    refused(
      () => defineSystem({ name: 'shop', services, routes }),
      /route \/api\/reviews can move to reviews, which is no successor of legacy/,
    )
    // Its topic goes over with what it takes over; a database does not.
    const both = ['legacy', 'reviews'].map((name) => declared(name, { publishes: ['opinions'], owns: ['opinions'] }))
    refused(
      () => defineSystem({ name: 'shop', services: both, routes: [], successors: standIns }),
      /not hold together: database opinions has two owners[^;]*$/,
    )
    refused(() => defineSystem({ name: 'shop', services: both, routes: [] }), /topic opinions has two owners/)
    refused(
      () => defineSystem({ name: 'shop', services, routes: [], successors: { reviews: 'ghost' } }),
      /reviews can take over from ghost, and ghost is not in the system/,
    )
  })
})
