import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import * as fc from 'fast-check'
import { CallMatcher, type CallSpan } from '../../src/map/call-matcher.ts'

const SERVER = 2
const CLIENT = 3
const PRODUCER = 4
const CONSUMER = 5

let lastId = 0
const span = (service: string, kind: number, more: Partial<CallSpan> = {}): CallSpan => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: (++lastId).toString(16).padStart(16, '0'),
  parentSpanId: null,
  service,
  kind,
  startUs: 1_000_000,
  endUs: 1_010_000,
  isFailedCall: false,
  peer: null,
  ...more,
})
const below = (parent: CallSpan, service: string, kind: number, more: Partial<CallSpan> = {}) =>
  span(service, kind, { parentSpanId: parent.spanId, ...more })

const names = (calls: ReturnType<CallMatcher['match']>) => calls.map(({ caller, callee }) => `${caller} > ${callee}`).toSorted()

test('a call is its two halves, in whatever order and parts they come, and counts once', () => {
  const root = span('gateway', SERVER)
  const client = below(root, 'gateway', CLIENT, { endUs: 1_020_000 })
  const server = below(client, 'orders', SERVER)
  const spans = [root, client, server]
  fc.assert(
    fc.property(
      fc.shuffledSubarray(spans, { minLength: 3 }),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 2 }),
      (order, cut, again) => {
        const matcher = new CallMatcher(new VirtualClock())
        const calls = [...matcher.match(order.slice(0, cut)), ...matcher.match(order.slice(cut)), ...matcher.match([order[again]!])]
        assert.deepEqual(names(calls), ['outside: > service:gateway', 'service:gateway > service:orders'])
        assert.equal(calls.find(({ callee }) => callee === 'service:orders')!.durationMs, 20, 'as the caller saw it')
      },
    ),
  )
})

test('databases and topics are on the map by what spans say of them', () => {
  const matcher = new CallMatcher(new VirtualClock())
  const calls = matcher.match([
    span('orders', CLIENT, { peer: 'database:sqlite orders.sqlite' }),
    span('orders', PRODUCER, { peer: 'topic:orders' }),
    span('analytics', CONSUMER, { peer: 'topic:orders', isFailedCall: true }),
  ])
  assert.deepEqual(names(calls), [
    'service:orders > database:sqlite orders.sqlite',
    'service:orders > topic:orders',
    'topic:orders > service:analytics',
  ])
  assert.deepEqual(
    calls.map(({ isError }) => isError),
    [false, false, true],
  )
})

test('a call that never arrived goes to the service that answered there before; an unknown address is a place of its own', async () => {
  const clock = new VirtualClock()
  const matcher = new CallMatcher(clock)
  const client = span('orders', CLIENT, { peer: 'address:127.0.0.1:7001' })
  assert.deepEqual(names(matcher.match([client, below(client, 'payments', SERVER)])), ['service:orders > service:payments'])
  matcher.match([
    span('orders', CLIENT, { peer: 'address:127.0.0.1:7001', isFailedCall: true }),
    span('orders', CLIENT, { peer: 'address:bank.example:443' }),
    span('orders', CLIENT),
  ])
  await clock.advance(14_000)
  assert.deepEqual(matcher.match([]), [], 'the other half may still come')
  await clock.advance(2_000)
  const late = matcher.match([])
  assert.deepEqual(names(late), ['service:orders > external:bank.example:443', 'service:orders > service:payments'])
  assert.equal(late.find(({ callee }) => callee === 'service:payments')!.isError, true)
})

test('a server whose caller sends no spans was called from outside, once that is sure', async () => {
  const clock = new VirtualClock()
  const matcher = new CallMatcher(clock)
  assert.deepEqual(matcher.match([span('gateway', SERVER, { parentSpanId: 'feedfeedfeedfeed' })]), [])
  await clock.advance(16_000)
  assert.deepEqual(names(matcher.match([])), ['outside: > service:gateway'])
})

test('what waits is bounded, however many spans come at once', () => {
  const matcher = new CallMatcher(new VirtualClock())
  const flood = Array.from({ length: 60_000 }, () => span('gateway', SERVER, { parentSpanId: 'feedfeedfeedfeed' }))
  const calls = matcher.match(flood)
  assert.equal(calls.length, 10_000, 'the oldest are given up')
})
