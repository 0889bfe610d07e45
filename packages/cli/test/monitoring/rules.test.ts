import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineService, defineSystem, type ServiceDeclaration } from 'seaworthy/system'
import { rulesOf } from '../../src/monitoring/rules.ts'

const SETTINGS = { objective: 0.99, latencyS: 2 }

const service = (name: string, more: Partial<ServiceDeclaration> = {}) =>
  defineService({
    name,
    context: 'test',
    purpose: 'Is tested.',
    owns: [],
    publishes: [],
    consumes: [],
    calls: [],
    main: new URL('file:///main.ts'),
    serves: ['http'],
    ...more,
  })

function alerts(...services: readonly ReturnType<typeof service>[]) {
  const { groups } = rulesOf(defineSystem({ name: 'test', services, routes: [] }), SETTINGS)
  return groups.flatMap(({ rules }) => rules.flatMap((rule) => ('alert' in rule ? [rule] : [])))
}

test('a dependency is held against what the policy of its caller declares, and nothing else is asked of it', () => {
  const policies = {
    stock: {
      timeout: { attemptMs: 500 },
      circuitBreaker: { consecutiveFailures: 5, openMs: 1_000 },
      bulkhead: { concurrencyMax: 4, queueMax: 10 },
    },
    'stock/prices': { bulkhead: { concurrencyMax: 4 } },
  }
  const found = alerts(service('stock'), service('orders', { calls: ['stock'], policies }))
  const of = (policy: string) =>
    Object.fromEntries(found.filter(({ labels }) => labels['policy'] === policy).map(({ alert, expr }) => [alert, expr]))
  const stock = of('stock')
  assert.deepEqual(Object.keys(stock), ['DependencyErrors', 'DependencySlow', 'CircuitOpen', 'BulkheadFull'])
  assert.equal(stock['DependencySlow'], 'dependency:attempt_seconds:p99_5m{service="orders",policy="stock"} > 0.4')
  assert.equal(stock['BulkheadFull'], 'seaworthy_bulkhead_queued{service="orders",policy="stock"} > 8')
  const prices = of('stock/prices')
  assert.deepEqual(Object.keys(prices), ['DependencyErrors', 'BulkheadFull'])
  assert.match(prices['BulkheadFull']!, /seaworthy_bulkhead_running\{.*\} >= seaworthy_bulkhead_concurrency_max\{/)
})

test('the objective and the latency are what was asked for', () => {
  const found = alerts(service('orders'))
  assert.deepEqual(
    found.filter(({ alert }) => alert === 'ErrorBudgetBurn').map(({ expr }) => /> ([\d.]+) and/.exec(expr)![1]),
    ['0.144', '0.06', '0.01'],
  )
  assert.match(found.find(({ alert }) => alert === 'RequestsSlow')!.expr, /> 2$/)
})

test('what a system does not do is not watched', () => {
  const quiet = new Set(alerts(service('orders')).map(({ alert }) => alert))
  for (const alert of ['OutboxLag', 'ConsumerStopped', 'ConsumerLag', 'KeysParked', 'SpansDropped']) assert.ok(!quiet.has(alert), alert)
  const busy = alerts(
    service('orders', { publishes: ['orders'] }),
    service('mail', { consumes: ['orders'] }),
    service('console', { role: 'console' }),
  )
  assert.match(busy.find(({ alert }) => alert === 'OutboxLag')!.expr, /service=~"orders"/)
  assert.match(busy.find(({ alert }) => alert === 'ConsumerStopped')!.expr, /service=~"mail"/)
  assert.match(busy.find(({ alert }) => alert === 'SpansDropped')!.expr, /service=~"console"/)
})

test('every alert says how soon to look, what is wrong and what to do', () => {
  for (const { alert, labels, annotations } of alerts(
    service('orders', { publishes: ['orders'] }),
    service('mail', { consumes: ['orders'] }),
  )) {
    assert.match(labels['severity']!, /^(?:page|ticket)$/, alert)
    assert.ok(annotations.summary.length > 10 && annotations.description.length > 20, alert)
  }
})
