import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RestContract } from '@seaworthy/rpc/rest'
import { calleeOf, type Route } from 'seaworthy/system'
import { publicContracts } from '../platform/openapi.ts'
import { STAGES } from '../stages/stages.ts'
import { system, systemAt } from '../system.ts'

/** The service that a path goes to: the route with the most literal segments, as the gateway chooses. */
function serviceOf(path: string, routes: readonly Route[]): string | undefined {
  const segments = path.split('/')
  const scored = routes.flatMap((route) => {
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
