import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { type TraceProfile, differenceSentence, slowAgainstUsual, traceProfile, traceVerdict } from 'seaworthy/trace-analysis'
import { type SpanSpec, entry, query, spansOf } from './verdict-fixture.ts'

function profileOf(root: SpanSpec): TraceProfile {
  const spans = spansOf(root)
  return traceProfile(spans, traceVerdict(spans)!.answer)
}

const plain = (name: string, at: number, facts: Readonly<Record<string, number>> = {}): SpanSpec =>
  query({ id: `${name}-${at}`, name, from: at, to: at + 10, facts: { 'seaworthy.time.execute_ms': 10, ...facts } })
const checkout = (children: readonly SpanSpec[], to = 100): SpanSpec =>
  entry({ id: 'root', name: 'POST /api/checkout', from: 0, to, children })
/** 40 usual checkouts, and as many slow ones as it takes to be the slowest twentieth. */
const against = (slow: SpanSpec, usual: SpanSpec = checkout([plain('SELECT stock', 10), plain('SELECT price', 30)])) =>
  slowAgainstUsual([...Array.from({ length: 40 }, () => profileOf(usual)), profileOf(slow), profileOf(slow)])!

suite('slow traces against the usual ones', () => {
  test('name what the difference is spent on, and by whom', () => {
    const locked = query({
      id: 'q',
      name: 'UPDATE stock',
      from: 10,
      to: 910,
      facts: { 'seaworthy.time.lock_wait_ms': 890, 'seaworthy.time.execute_ms': 10 },
    })
    const found = against(checkout([locked], 1_000))
    assert.deepEqual(
      [found.slow, found.usual],
      [
        { count: 2, meanUs: 1_000_000, fromUs: 1_000_000, toUs: 1_000_000 },
        { count: 21, meanUs: 100_000, fromUs: 100_000, toUs: 100_000 },
      ],
    )
    assert.deepEqual(found.parts[0], { cause: 'lock-wait', service: 'orders', peer: 'postgresql', slowUs: 890_000, usualUs: 0 })
    assert.equal(
      differenceSentence(found),
      'The slowest 2 take 1.0 s where the usual takes 100 ms: 99 % of the difference is orders waiting for a lock. In slow traces alone orders calls UPDATE stock.',
    )
  })

  test('tell of a call that is made many times more often', () => {
    const many = Array.from({ length: 30 }, (_, index) => plain('SELECT stock', 10 + index * 10))
    assert.deepEqual(against(checkout([...many, plain('SELECT price', 400)], 500)).structure, [
      { kind: 'repeated', service: 'orders', name: 'SELECT stock', slowCount: 30, usualCount: 1 },
    ])
  })

  test('tell of attempts that fail, of calls that are new, and of those that are missing', () => {
    const failing = Array.from({ length: 3 }, (_, index) => ({ ...plain('SELECT stock', 10 + index * 100), error: 'timeout' }))
    const { structure } = against(checkout([...failing, plain('SELECT stock', 400), plain('SELECT fraud', 420)], 500))
    assert.deepEqual(
      structure.map(({ kind, name, slowCount, usualCount }) => [kind, name, slowCount, usualCount]),
      [
        ['retried', 'SELECT stock', 4, 1],
        ['new', 'SELECT fraud', 1, 0],
        ['missing', 'SELECT price', 0, 1],
      ],
    )
  })

  test('find no difference between those that are alike', () => {
    const same = checkout([plain('SELECT stock', 10)])
    const { parts, structure } = against(same, same)
    assert.deepEqual(structure, [])
    assert.ok(parts.every(({ slowUs, usualUs }) => Math.abs(slowUs - usualUs) < 1e-6))
  })

  test('are not compared when there are only a few', () => {
    assert.equal(slowAgainstUsual(Array.from({ length: 7 }, () => profileOf(checkout([])))), undefined)
  })

  test('the differences of the parts sum to the difference of the means', () => {
    const drawn = fc.array(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(1_000)), { maxLength: 4 }), {
      minLength: 8,
      maxLength: 60,
    })
    fc.assert(
      fc.property(drawn, (traces) => {
        const profiles = traces.map((given): TraceProfile => {
          const parts = new Map(given.map(([service, us]) => [service, { cause: 'query' as const, service, peer: undefined, us }]))
          return { durationUs: [...parts.values()].reduce((sum, { us }) => sum + us, 0), parts, edges: new Map() }
        })
        const { slow, usual, parts } = slowAgainstUsual(profiles)!
        const sum = parts.reduce((total, { slowUs, usualUs }) => total + slowUs - usualUs, 0)
        assert.ok(Math.abs(sum - (slow.meanUs - usual.meanUs)) < 1e-6)
        assert.ok(slow.fromUs >= usual.toUs)
      }),
      { numRuns: 60 },
    )
  })
})
