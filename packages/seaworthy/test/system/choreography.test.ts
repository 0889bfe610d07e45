import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import {
  type ServiceDeclaration,
  assertDeclared,
  choreography,
  choreographyGraph,
  defineService,
  defineSystem,
  reaction,
} from 'seaworthy/system'

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
  s0["monolith"]
  s0 -->|"publishes"| t0
  s1["notifications"]
  t0 -->|"is heard by"| s1
  t1[("orders")]
  s2["orders"]
  s2 -->|"publishes"| t1
  t1 -->|"is heard by"| s1`,
  )
})

const created = { type: 'customer.created', topic: 'customers' }
const checked = { type: 'credit.checked', topic: 'payments' }
const monolith = service('monolith', { publishes: ['customers'], emits: [created] })
const payments = service('payments', {
  publishes: ['payments'],
  consumes: ['customers'],
  emits: [checked],
  reactions: [reaction(created, { does: 'checks the "credit"', followedBy: [checked] })],
})
const letters = service('letters', { consumes: ['payments', 'customers'], reactions: [reaction(checked, { does: 'writes' })] })

test('declared reactions are drawn event by event, and topics only for who does not say what it does', () => {
  assert.equal(
    choreographyGraph({ services: [monolith, payments, letters] }),
    `flowchart LR
  s0["monolith"]
  e0(["customer.created"])
  s0 --> e0
  s1["payments"]
  e0 -->|"checks the &quot;credit&quot;"| s1
  e1(["credit.checked"])
  s1 --> e1
  s2["letters"]
  e1 -->|"writes"| s2
  t0[("customers")]
  s0 -->|"publishes"| t0
  t0 -->|"is heard by"| s2`,
  )
  const { events } = choreography({ services: [monolith, payments, letters] })
  assert.deepEqual(events[0], {
    ...created,
    by: 'monolith',
    reactions: [{ service: 'payments', does: 'checks the "credit"', followedBy: ['credit.checked'] }],
  })
})

test('a choreography that cannot be is refused where it is declared', () => {
  assert.throws(() => service('a', { publishes: ['a'], emits: [{ type: 'x', topic: 'b' }] }), /emits x on topic b/)
  assert.throws(() => service('a', { reactions: [reaction(created, { does: 'x' })] }), /reacts to customer\.created of topic customers/)
  assert.throws(
    () => service('a', { consumes: ['customers'], reactions: [reaction(created, { does: 'x', followedBy: [checked] })] }),
    /credit\.checked follows/,
  )
  const system = (...services: ReturnType<typeof service>[]) => defineSystem({ name: 's', services, routes: [] })
  assert.throws(
    () => system(service('b', { publishes: ['customers'] }), payments),
    /payments reacts to customer\.created, which nobody emits/,
  )
  const twice = service('c', { publishes: ['x'], emits: [{ type: 'customer.created', topic: 'x' }] })
  assert.throws(() => system(monolith, twice), /event customer\.created has two owners/)
})

test('a handler of other events than those declared is refused', () => {
  assertDeclared(payments, { types: ['customer.created'] })
  assert.throws(() => assertDeclared(payments, { types: ['customer.created', 'order.placed'] }), ConfigurationError)
  assert.throws(() => assertDeclared(payments, { types: [] }), ConfigurationError)
})
