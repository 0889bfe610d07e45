import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { calleeOf } from 'seaworthy/system'
import { publicContracts } from '../platform/openapi.ts'
import { system } from '../system.ts'

/** The service that a path goes to: the route with the most literal segments, as the gateway chooses. */
function serviceOf(path: string): string | undefined {
  const segments = path.split('/')
  const scored = system.routes.flatMap((route) => {
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
    const owners = ['monolith', 'orders', 'order-history', 'analytics']
    for (const [index, { operations }] of publicContracts.entries()) {
      for (const { path } of Object.values(operations)) {
        assert.equal(serviceOf(path.replaceAll(/\{\w+\}/g, 'some-id')), owners[index], path)
      }
    }
  })

  test('puts every call of a service under a policy that its declaration names', () => {
    for (const { name, role, calls, policies } of system.services) {
      if (role === 'gateway') continue
      assert.deepEqual([...new Set(Object.keys(policies).map(calleeOf))].toSorted(), [...calls].toSorted(), name)
    }
  })

  test('routes nothing internal', () => {
    for (const path of ['/internal/import/products', '/internal/ledger', '/healthz']) assert.equal(serviceOf(path), undefined)
  })
})
