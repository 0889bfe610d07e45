import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ServiceDeclaration, choreographyGraph, defineService } from 'seaworthy/system'

const service = (name: string, fields: Partial<ServiceDeclaration>) =>
  defineService({
    name,
    context: 'c',
    purpose: 'p',
    owns: [],
    publishes: [],
    consumes: [],
    calls: [],
    main: new URL('file:///main.ts'),
    serves: [],
    ...fields,
  })

test('the choreography shows who reacts to whom, and leaves out who only calls', () => {
  const services = [
    service('monolith', { publishes: ['customers'] }),
    service('notifications', { consumes: ['customers', 'orders'] }),
    service('orders', { publishes: ['orders'], calls: ['monolith'] }),
    service('gateway', { calls: ['orders'] }),
  ]
  assert.equal(
    choreographyGraph({ services }),
    `flowchart LR
  t0[("customers")]
  t1[("orders")]
  s0["monolith"]
  s0 -->|"publishes"| t0
  s1["notifications"]
  t0 -->|"is heard by"| s1
  t1 -->|"is heard by"| s1
  s2["orders"]
  s2 -->|"publishes"| t1`,
  )
})
