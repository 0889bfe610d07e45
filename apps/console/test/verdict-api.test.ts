import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { fixture } from './app-fixture.ts'
import { type SpanSpec, checkoutSpans, otlpRequest } from './checkout-trace.ts'
import { lockedCheckout } from './slow-traces.ts'

const START_MS = 1_795_438_250_000
const idOf = (number: number) => number.toString(16).padStart(32, '0')
const requestOf = (spans: readonly SpanSpec[], number: number) =>
  otlpRequest(spans, { traceId: idOf(number), correlationId: `c-${number}`, startMs: START_MS + number * 1_000 })

interface PathJson {
  readonly sentence: string
  readonly durationMs: number
  readonly parts: readonly { readonly cause: string; readonly ms: number }[]
  readonly findings: readonly Record<string, unknown>[]
}

suite('why a trace was slow', () => {
  test('is answered in a sentence, in parts that sum to it, and with who held the lock', async (t) => {
    const { post, get } = await fixture(t)
    await post(requestOf(lockedCheckout(), 1))
    const { status, json } = await get(`/api/traces/${idOf(1)}/verdict`)
    assert.equal(status, 200)
    const verdict = json as unknown as PathJson & { readonly whole: null; readonly traceId: string }
    assert.equal(verdict.traceId, idOf(1))
    assert.equal(
      verdict.sentence,
      '92 % of this checkout is inventory waiting for a lock held by nightly-recount (trace 4bf92f35…), idle in transaction for 1.6 s.',
    )
    assert.equal(Math.round(verdict.parts.reduce((sum, { ms }) => sum + ms, 0) * 1_000), verdict.durationMs * 1_000)
    assert.deepEqual((verdict.findings[0]!['lockHolder'] as Record<string, unknown>)['traceId'], '4bf92f3577b34da6a3ce929d0e0e4736')
    assert.equal(verdict.whole, null)
  })

  test('goes on to the end of what the request set off', async (t) => {
    const { post, get } = await fixture(t)
    await post(requestOf(checkoutSpans(), 2))
    const { json } = await get(`/api/traces/${idOf(2)}/verdict`)
    const { whole, durationMs } = json as unknown as PathJson & { readonly whole: PathJson }
    assert.equal(durationMs, 137)
    assert.equal(whole.durationMs, 251)
    assert.ok(whole.parts.some(({ cause }) => cause === 'queue'))
  })

  test('is not known of a trace that is not there', async (t) => {
    const { get } = await fixture(t)
    assert.equal((await get(`/api/traces/${idOf(3)}/verdict`)).status, 404)
    assert.equal((await get('/api/traces/xyz/verdict')).status, 404)
  })
})

suite('why an operation is slow at times', () => {
  test('is found by holding its slow traces against the usual ones', async (t) => {
    const { post, get } = await fixture(t)
    for (let number = 1; number <= 19; number++) await post(requestOf(checkoutSpans(), number))
    await post(requestOf(lockedCheckout('gateway'), 20))
    const { json } = await get('/api/operations')
    assert.deepEqual(
      (json as { operations: Record<string, unknown>[] }).operations.map(({ service, name, traces, slowestMs }) => [
        service,
        name,
        traces,
        slowestMs,
      ]),
      [['gateway', 'POST /api/checkout', 20, 1_740]],
    )
    const compared = await get(`/api/operation?${new URLSearchParams({ service: 'gateway', name: 'POST /api/checkout' })}`)
    const answer = compared.json as unknown as { sentence: string; traces: number; leftOut: number; slowest: Record<string, unknown>[] }
    assert.equal(
      answer.sentence,
      'The slowest one takes 1.7 s where the usual takes 137 ms: 99 % of the difference is inventory waiting for a lock. In slow traces alone gateway calls inventory.v1.Inventory/Reserve.',
    )
    assert.deepEqual([answer.traces, answer.leftOut, answer.slowest], [20, 0, [{ traceId: idOf(20), durationMs: 1_740 }]])
  })

  test('cannot be said of a few traces, nor of an operation without a name', async (t) => {
    const { post, get } = await fixture(t)
    await post(requestOf(checkoutSpans(), 1))
    const { json } = await get(`/api/operation?${new URLSearchParams({ service: 'gateway', name: 'POST /api/checkout' })}`)
    assert.deepEqual([json['sentence'], json['difference'], json['traces']], [null, null, 1])
    assert.equal((await get('/api/operation?service=gateway')).status, 400)
  })
})
