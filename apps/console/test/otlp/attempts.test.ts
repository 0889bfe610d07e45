import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AttemptSpan, madeGood } from '../../src/otlp/attempts.ts'

const span = (
  spanId: string,
  parentSpanId: string | null,
  times: readonly [number, number],
  fields: Partial<AttemptSpan> = {},
): AttemptSpan => ({
  spanId,
  parentSpanId,
  service: 'orders',
  name: 'charge',
  kind: 3,
  startUs: times[0],
  endUs: times[1],
  isError: false,
  subject: '',
  ...fields,
})
const failed = { isError: true } as const
const root = span('root', null, [0, 100], { name: 'POST /api/checkout', kind: 2 })
const found = (spans: readonly AttemptSpan[]) => {
  const { attempts, spans: all } = madeGood(spans)
  return { attempts: [...attempts].toSorted(), all: [...all].toSorted() }
}

test('attempts that failed and were repeated with success are made good, with all below them', () => {
  const server = span('server', 'first', [2, 9], { service: 'payments', kind: 2, ...failed })
  assert.deepEqual(
    found([
      root,
      span('first', 'root', [1, 10], failed),
      server,
      span('second', 'root', [12, 20], failed),
      span('third', 'root', [22, 30]),
    ]),
    { attempts: ['first', 'second'], all: ['first', 'second', 'server'] },
  )
})

test('what was never repeated, or never with success, stays an error', () => {
  const none = { attempts: [], all: [] }
  assert.deepEqual(found([root, span('first', 'root', [1, 10], failed)]), none)
  assert.deepEqual(found([root, span('first', 'root', [1, 10], failed), span('second', 'root', [12, 20], failed)]), none)
  assert.deepEqual(found([root, span('first', 'root', [1, 10]), span('second', 'root', [12, 20], failed)]), none)
})

test('what ran at the same time, for another caller or about something else was no repetition', () => {
  const first = span('first', 'root', [1, 10], { ...failed, subject: 'order 1' })
  for (const other of [
    span('other', 'root', [5, 20], { subject: 'order 1' }),
    span('other', 'first', [12, 20], { subject: 'order 1' }),
    span('other', 'root', [12, 20], { subject: 'order 2' }),
    span('other', 'root', [12, 20], { subject: 'order 1', name: 'refund' }),
    span('other', 'root', [12, 20], { subject: 'order 1', service: 'shipping' }),
  ]) {
    assert.deepEqual(found([root, first, other]).attempts, [], JSON.stringify(other))
  }
  assert.deepEqual(found([root, first, span('other', 'root', [12, 20], { subject: 'order 1' })]).attempts, ['first'])
})

test('a call is about what its server was asked for, where the call itself does not say', () => {
  const call = (id: string, times: readonly [number, number], path: string, fields = {}) => [
    span(id, 'root', times, fields),
    span(`${id}-server`, id, times, { service: 'catalog', kind: 2, subject: path }),
  ]
  assert.deepEqual(found([root, ...call('a', [1, 5], '/products/1', failed), ...call('b', [6, 9], '/products/2')]).attempts, [])
  assert.deepEqual(found([root, ...call('a', [1, 5], '/products/1', failed), ...call('b', [6, 9], '/products/1')]).attempts, ['a'])
  // A connection that was refused has no server's span.
  assert.deepEqual(found([root, span('a', 'root', [1, 5], failed), ...call('b', [6, 9], '/products/1')]).attempts, ['a'])
})

test('an attempt below another counts with it', () => {
  const inner = [span('inner-1', 'first', [2, 4], { ...failed, name: 'send' }), span('inner-2', 'first', [5, 9], { name: 'send' })]
  assert.deepEqual(found([root, span('first', 'root', [1, 10], failed), ...inner, span('second', 'root', [12, 20])]), {
    attempts: ['first'],
    all: ['first', 'inner-1', 'inner-2'],
  })
})

test('20,000 attempts are looked through at once', () => {
  const spans = Array.from({ length: 20_000 }, (_, index) =>
    span(`s${index}`, 'root', [index * 10, index * 10 + 5], { isError: index < 19_999 }),
  )
  assert.equal(madeGood([root, ...spans]).attempts.size, 19_999)
})
