import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type CallContext, ConfigurationError } from 'seaworthy/core'
import {
  type Call,
  type Orchestrator,
  type Saga,
  type SagaNode,
  ACTION_POLICY,
  COMPENSATION_POLICY,
  FORWARD_POLICY,
  saga,
} from 'seaworthy/saga'

interface Order {
  readonly orderId: string
  readonly totalCents: number
}

const nothing = async () => undefined
const called = (node: SagaNode): Call => {
  assert.ok('policy' in node)
  return node
}
const reserve = async (sku: string, call: CallContext) => ({ reservationId: `${sku} ${call.correlationId}` })

void suite('a saga is declared', () => {
  test('with what each step gets typed through the chain', () => {
    const checkout = saga<Order>('checkout', { version: 1 })
      .step('reserve stock', {
        // The context is a CallContext, so it goes to a client as it is.
        run: (s) => reserve(s.input.orderId, s),
        compensate: async (s) => {
          const id: string | undefined = s.result?.reservationId
          const key: string = s.idempotencyKey
          return [id, key]
        },
      })
      .step('look up price', {
        run: async (s) => s.input.totalCents + s.results['reserve stock'].reservationId.length,
        compensation: 'not-needed',
      })
      .pivot('charge', { run: async (s) => `${s.results['look up price'].toFixed(0)} ${s.results['reserve stock'].reservationId}` })
      .step('confirm', { run: async (s) => s.results.charge.toUpperCase(), forward: true })
    assert.deepEqual(
      checkout.steps.map(({ kind, name }) => [kind, name]),
      [
        ['compensatable', 'reserve stock'],
        ['no-compensation', 'look up price'],
        ['pivot', 'charge'],
        ['forward', 'confirm'],
      ],
    )
    assert.deepEqual([checkout.name, checkout.version], ['checkout', 1])
  })

  test('with a policy for each step, its own before the default', () => {
    const { steps } = saga<Order>('checkout', { version: 1 })
      .step('a', { run: nothing, compensate: nothing, policy: { attemptTimeoutMs: 7 }, compensationPolicy: { giveUpAfterMs: 'never' } })
      .pivot('b', { run: nothing })
      .step('c', { run: nothing, forward: true })
    const [a, b, c] = steps.map(called)
    assert.deepEqual(a?.policy, { ...ACTION_POLICY, attemptTimeoutMs: 7 })
    assert.deepEqual(a?.kind === 'compensatable' && a.compensationPolicy, { ...COMPENSATION_POLICY, giveUpAfterMs: 'never' })
    assert.deepEqual([b?.policy, c?.policy], [ACTION_POLICY, FORWARD_POLICY])
    assert.deepEqual(JSON.parse(JSON.stringify(a?.policy)), a?.policy)
  })

  test('anew for each step: a chain can be continued twice', () => {
    const start = saga<Order>('checkout', { version: 1 }).step('a', { run: nothing, compensation: 'not-needed' })
    const one = start.step('b', { run: nothing, compensation: 'not-needed' })
    const other = start.step('c', { run: nothing, compensation: 'not-needed' })
    assert.deepEqual(
      [start, one, other].map(({ steps }) => steps.map(({ name }) => name).join()),
      ['a', 'a,b', 'a,c'],
    )
  })
})

void suite('the types refuse, and so does the code for those who have none,', () => {
  const checkout = saga<Order>('checkout', { version: 1 })

  test('a step that says neither how it is undone nor that it need not be', () => {
    // @ts-expect-error neither compensate nor compensation
    assert.throws(() => checkout.step('a', { run: nothing }), ConfigurationError)
    // @ts-expect-error forward is for after the pivot
    assert.throws(() => checkout.step('a', { run: nothing, forward: true }), ConfigurationError)
  })

  test('a step after the pivot that does not say it only goes forward', () => {
    const decided = checkout.pivot('p', { run: nothing })
    // @ts-expect-error forward is missing
    assert.throws(() => decided.step('a', { run: nothing }), ConfigurationError)
    // @ts-expect-error after the pivot nothing is undone
    assert.throws(() => decided.step('a', { run: nothing, compensate: nothing }), ConfigurationError)
  })

  test('a second pivot', () => {
    const decided = checkout.pivot('p', { run: nothing })
    // @ts-expect-error there is no pivot after the pivot
    assert.throws(() => decided.pivot('q', { run: nothing }), ConfigurationError)
  })

  test('what is not there', () => {
    checkout
      .step('a', {
        // @ts-expect-error the input has no such field
        run: async (s) => s.input.total,
        compensation: 'not-needed',
      })
      // @ts-expect-error no step before has this name
      .step('b', { run: async (s) => s.results.c, compensation: 'not-needed' })
    checkout.step('a', {
      run: async () => 1,
      // @ts-expect-error the outcome may have stayed unknown, and then there is no result
      compensate: async (s) => s.result.toFixed(),
    })
  })

  test('an input of another type at the start', () => {
    const start = (sagas: Orchestrator, order: Saga<Order>) => {
      void sagas.start({} as never, order, { id: '1', input: { orderId: '1', totalCents: 1 } })
      // @ts-expect-error totalCents is missing
      void sagas.start({} as never, order, { id: '1', input: { orderId: '1' } })
    }
    assert.equal(typeof start, 'function')
  })
})

void suite('a declaration is refused', () => {
  test('with two steps of one name', () => {
    const chain = saga<Order>('checkout', { version: 1 }).step('a', { run: nothing, compensation: 'not-needed' })
    assert.throws(() => chain.step('a', { run: nothing, compensation: 'not-needed' }), /two steps named "a"/)
    assert.throws(() => chain.pivot('a', { run: nothing }), /two steps named "a"/)
  })
  test('with a version that is not a whole number from 1', () => {
    for (const version of [0, 1.5, Number.NaN]) assert.throws(() => saga('checkout', { version }), ConfigurationError)
  })
})
