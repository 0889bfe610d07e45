import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  assertTimeLeft,
  type CallContext,
  contextOrRoot,
  currentContext,
  propagated,
  remainingMs,
  rootContext,
  setTraceContextOwner,
  shielded,
  TimeoutError,
  traceHeaders,
  withBudget,
  withContext,
} from 'seaworthy/core'
import { VirtualClock } from '@seaworthy/testing'

const full: Required<CallContext> = {
  correlationId: 'c-1',
  causationId: 'm-1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=1',
  baggage: 'tenant=7',
  actor: 'customer-1',
  deadlineMs: 500,
  signal: new AbortController().signal,
  idempotencyKey: 'order-1',
  retriedByCaller: true,
}

describe('a call context', () => {
  test('what is stored or outlives the call has no deadline, no signal, no idempotency key and no promise of retries, and all the rest', () => {
    const { deadlineMs: _1, signal: _2, idempotencyKey: _3, retriedByCaller: _4, ...rest } = full
    assert.deepEqual(shielded(full), rest)
    assert.deepEqual(propagated(full), rest)
    assert.deepEqual(Object.keys(propagated(rootContext({ correlationId: 'c-2' }))), ['correlationId'])
  })

  test('reaches everything that the work awaits, and nothing beside it', async () => {
    const seen = await Promise.all(
      ['left', 'right'].map((correlationId) =>
        withContext({ correlationId }, async () => {
          await new Promise((resolve) => setImmediate(resolve))
          return currentContext()?.correlationId
        }),
      ),
    )
    assert.deepEqual(seen, ['left', 'right'])
    assert.equal(currentContext(), undefined)
    assert.notEqual(contextOrRoot().correlationId, contextOrRoot().correlationId)
  })

  test('of two deadlines the smaller wins', async () => {
    const clock = new VirtualClock({ monotonicMs: 1_000 })
    const budgeted = withBudget(rootContext(), 200, clock)
    assert.equal(budgeted.deadlineMs, 1_200)
    assert.equal(withBudget(budgeted, 500, clock).deadlineMs, 1_200)
    assert.equal(withBudget(budgeted, 50, clock).deadlineMs, 1_050)
    assert.equal(remainingMs(budgeted, clock), 200)
    assert.equal(remainingMs(rootContext(), clock), Number.POSITIVE_INFINITY)
    await clock.advance(300)
    assert.equal(remainingMs(budgeted, clock), 0)
    assert.doesNotThrow(() => assertTimeLeft(rootContext(), 'inventory', clock))
    assert.throws(
      () => assertTimeLeft(budgeted, 'inventory', clock),
      (error: unknown) => error instanceof TimeoutError && error.executed === 'no' && /inventory/.test(error.message),
    )
  })

  test('the trace context is that of its owner while there is one, and else handed on untouched', () => {
    assert.deepEqual(traceHeaders(full), { traceparent: full.traceparent, tracestate: full.tracestate })
    const remove = setTraceContextOwner(() => ({ traceparent: 'of the owner' }))
    try {
      assert.equal(propagated(full).traceparent, 'of the owner')
      assert.equal(propagated(full).tracestate, undefined)
    } finally {
      remove()
    }
    assert.equal(traceHeaders(full).traceparent, full.traceparent)
  })

  test('an owner that was replaced cannot remove its successor', () => {
    const removeFirst = setTraceContextOwner(() => ({ traceparent: 'first' }))
    const removeSecond = setTraceContextOwner(() => ({ traceparent: 'second' }))
    removeFirst()
    try {
      assert.equal(traceHeaders(full).traceparent, 'second')
    } finally {
      removeSecond()
    }
  })
})
