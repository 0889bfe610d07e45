import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { type VerdictSpan, traceVerdict } from 'seaworthy/trace-analysis'
import { type SpanSpec, call, entry, inMs, partsOf, query, spansOf } from './verdict-fixture.ts'

const sumOf = (parts: readonly { readonly us: number }[]) => parts.reduce((sum, { us }) => sum + us, 0)

suite('what a span spent its time on', () => {
  test('a process that says how much it computed and stood still leaves the rest to its code', () => {
    const facts = { 'seaworthy.time.cpu_ms': 30, 'seaworthy.time.loop_active_ms': 50, 'seaworthy.time.loop_blocked_ms': 20 }
    assert.deepEqual(partsOf(entry({ id: 'a', from: 0, to: 100, facts })), { code: 50, cpu: 30, 'blocked-loop': 20 })
  })

  test('a process that says nothing leaves its time unexplained', () => {
    assert.deepEqual(partsOf({ id: 'a', kind: 'server', from: 0, to: 100 }), { unexplained: 100 })
  })

  test('what a process did is shared out over its own spans, not over those of others', () => {
    const spans = spansOf(
      entry({
        id: 'a',
        from: 0,
        to: 100,
        facts: { 'seaworthy.time.cpu_ms': 40 },
        children: [
          { id: 'half', from: 0, to: 20 },
          call({ id: 'call', networkMs: 5, to: { id: 'served', service: 'inventory', kind: 'server', from: 25, to: 75 } }),
        ],
      }),
    )
    const verdict = traceVerdict(spans)!
    // Its own 40 ms are all CPU; the callee says nothing of itself.
    assert.deepEqual(inMs(verdict.answer.parts), { unexplained: 50, cpu: 40, network: 10 })
    assert.deepEqual(inMs(verdict.partsOf('half')!), { cpu: 20 })
    assert.deepEqual(inMs(verdict.partsOf('a')!), { downstream: 80, cpu: 20 })
    assert.deepEqual(inMs(verdict.partsOf('call')!), { downstream: 50, network: 10 })
  })

  test('a query is taken apart into the wait for a connection, for a lock, and its work', () => {
    const facts = { 'seaworthy.time.pool_wait_ms': 10, 'seaworthy.time.lock_wait_ms': 70, 'seaworthy.time.execute_ms': 15 }
    const parts = partsOf(entry({ id: 'a', from: 0, to: 100, children: [query({ id: 'q', from: 0, to: 100, facts })] }))
    assert.deepEqual(parts, { 'lock-wait': 70, query: 15, 'pool-wait': 10, code: 5 })
  })

  test('the facts of a transaction do not count again what its statements state', () => {
    const statement = query({ id: 's', from: 20, to: 90, facts: { 'seaworthy.time.lock_wait_ms': 60, 'seaworthy.time.execute_ms': 10 } })
    const facts = { 'seaworthy.time.pool_wait_ms': 20, 'seaworthy.time.lock_wait_ms': 60, 'seaworthy.time.execute_ms': 12 }
    const parts = partsOf(
      entry({ id: 'a', from: 0, to: 100, children: [query({ id: 't', from: 0, to: 100, facts, children: [statement] })] }),
    )
    assert.deepEqual(parts, { 'lock-wait': 60, 'pool-wait': 20, query: 12, code: 8 })
  })

  test('locks of two holders are two findings, and waits for one holder are one', () => {
    const waited = (id: string, from: number, holder: string) =>
      query({ id, from, to: from + 30, facts: { 'seaworthy.time.lock_wait_ms': 30, 'seaworthy.lock.blocker.service': holder } })
    const children = [waited('q1', 0, 'recount'), waited('q2', 30, 'report'), waited('q3', 60, 'recount')]
    const { findings } = traceVerdict(spansOf(entry({ id: 'a', from: 0, to: 90, children })))!.answer
    assert.deepEqual(
      findings.map(({ lockHolder, us, spanCount }) => [lockHolder?.service, us / 1_000, spanCount]),
      [
        ['recount', 60, 2],
        ['report', 30, 1],
      ],
    )
  })

  test('a database whose client states nothing was at work', () => {
    assert.deepEqual(partsOf(query({ id: 'q', from: 0, to: 100 })), { query: 100 })
  })

  test('of a query that the answer waited for in part, that part of its facts counts', () => {
    const facts = { 'seaworthy.time.lock_wait_ms': 80, 'seaworthy.time.execute_ms': 20 }
    assert.deepEqual(partsOf(entry({ id: 'a', from: 0, to: 50, children: [query({ id: 'q', from: 0, to: 100, facts })] })), {
      'lock-wait': 40,
      query: 10,
    })
  })

  test('a callee that sends no spans, and a broker that takes a message, are downstream', () => {
    assert.deepEqual(partsOf({ id: 'c', kind: 'client', from: 0, to: 60 }), { downstream: 60 })
    assert.deepEqual(partsOf({ id: 'p', kind: 'producer', from: 0, to: 60, facts: { 'seaworthy.outbox.wait_ms': 45 } }), {
      queue: 45,
      downstream: 15,
    })
  })

  test('a call that was held back at the way out was admitted late', () => {
    const served = entry({ id: 's', service: 'inventory', from: 80, to: 95 })
    const held = { ...call({ id: 'c', networkMs: 5, to: served }), from: 0, facts: { 'seaworthy.time.admission_wait_ms': 75 } }
    assert.deepEqual(partsOf(held), { admission: 75, code: 15, network: 10 })
  })

  test('a handler that waited to be let through in its midst was admitted late, wherever its calls lie', () => {
    const served = entry({ id: 's', service: 'inventory', from: 10, to: 60 })
    const facts = { 'seaworthy.time.admission_wait_ms': 300 }
    const parts = partsOf(entry({ id: 'a', from: 0, to: 400, facts, children: [call({ id: 'c', networkMs: 5, to: served })] }))
    assert.deepEqual(parts, { admission: 300, code: 90, network: 10 })
  })

  test('from one attempt to the next within a call it is the caller that waits', () => {
    const attempt = (id: string, from: number, to: number) => entry({ id, service: 'inventory', from, to })
    const parts = partsOf(
      entry({
        id: 'a',
        from: 0,
        to: 100,
        children: [{ id: 'c', kind: 'client', from: 0, to: 100, children: [attempt('s1', 10, 20), attempt('s2', 70, 90)] }],
      }),
    )
    assert.deepEqual(parts, { code: 80, network: 20 })
  })
})

suite('stretches of the event loop', () => {
  const stretches = [{ at: 20, ms: 40, cpuMs: 40 }]

  test('are counted where they were, as CPU or as blocked', () => {
    const facts = { 'seaworthy.time.cpu_ms': 45, 'seaworthy.time.loop_blocked_ms': 0 }
    assert.deepEqual(partsOf(entry({ id: 'a', from: 0, to: 100, facts, stretches })), { code: 55, cpu: 45 })
    const blocked = [{ at: 20, ms: 40, cpuMs: 1 }]
    assert.deepEqual(partsOf(entry({ id: 'a', from: 0, to: 100, stretches: blocked, facts: { 'seaworthy.time.loop_blocked_ms': 39 } })), {
      code: 60,
      'blocked-loop': 39,
      cpu: 1,
    })
  })

  test('in which the thread waited for a processor are CPU that it did not get, and no blocked loop', () => {
    const facts = { 'seaworthy.time.cpu_ms': 25, 'seaworthy.time.loop_blocked_ms': 0, 'seaworthy.time.processor_wait_ms': 20 }
    const starved = [{ at: 20, ms: 40, cpuMs: 22 }]
    assert.deepEqual(partsOf(entry({ id: 'a', from: 0, to: 100, facts, stretches: starved })), { code: 55, cpu: 45 })
    assert.deepEqual(partsOf(entry({ id: 'a', from: 0, to: 100, facts })), { code: 55, cpu: 45 })
  })

  test('make a reply wait, so that neither the network nor the database took that time', () => {
    const served = entry({ id: 's', service: 'inventory', from: 5, to: 25 })
    const reply = entry({
      id: 'a',
      from: 0,
      to: 62,
      stretches,
      children: [{ id: 'c', kind: 'client', from: 0, to: 61, children: [served] }],
    })
    assert.deepEqual(partsOf(reply), { code: 21, cpu: 35, network: 6 })
    const slow = entry({
      id: 'a',
      from: 0,
      to: 62,
      stretches,
      children: [query({ id: 'q', from: 10, to: 61, facts: { 'seaworthy.time.execute_ms': 50 } })],
    })
    assert.deepEqual(partsOf(slow), { cpu: 40, query: 11, code: 11 })
  })

  test('of the callee make a call wait before it is served', () => {
    const busy = [{ at: 5, ms: 60, cpuMs: 0 }]
    const served = entry({ id: 's', service: 'inventory', from: 65, to: 80, stretches: busy })
    assert.deepEqual(partsOf({ id: 'c', kind: 'client', from: 0, to: 85, children: [served] }), {
      'blocked-loop': 60,
      code: 15,
      network: 10,
    })
  })

  test('count once when several spans tell of the same one', () => {
    const parts = partsOf(
      entry({
        id: 'a',
        from: 0,
        to: 100,
        stretches,
        children: [entry({ id: 'b', from: 10, to: 90, stretches: [{ at: 20.01, ms: 40, cpuMs: 40 }] })],
      }),
    )
    assert.equal(Math.round(parts['cpu']!), 40)
  })

  test('are one’s own as soon as one of the spans that tell of it says so', () => {
    const told = (one: boolean, other: boolean) => {
      const inner = entry({ id: 'b', from: 10, to: 90, stretches: [{ at: 20, ms: 40, cpuMs: 40, own: other }] })
      const outer = entry({ id: 'a', from: 0, to: 100, stretches: [{ at: 20, ms: 40, cpuMs: 40, own: one }], children: [inner] })
      return traceVerdict(spansOf(outer))!.answer.findings.find(({ cause }) => cause === 'cpu')!.ofOthersUs
    }
    assert.deepEqual([told(false, false), told(false, true), told(true, false)], [40_000, 0, 0])
  })

  test('within a SQLite query are the query: it works on the loop', () => {
    const facts = { 'db.system.name': 'sqlite', 'seaworthy.time.execute_ms': 40 }
    const parts = partsOf(entry({ id: 'a', from: 0, to: 62, stretches, children: [query({ id: 'q', from: 20, to: 60, facts })] }))
    assert.deepEqual(parts, { query: 40, code: 22 })
  })
})

suite('clocks that differ', () => {
  test('what a callee did is put into the middle of its call', () => {
    const served = entry({
      id: 's',
      service: 'inventory',
      from: 5_000,
      to: 5_060,
      children: [query({ id: 'q', service: 'inventory', from: 5_010, to: 5_050 })],
    })
    const verdict = traceVerdict(
      spansOf(entry({ id: 'a', from: 0, to: 100, children: [{ id: 'c', kind: 'client', from: 10, to: 90, children: [served] }] })),
    )!
    assert.deepEqual(inMs(verdict.answer.parts), { query: 40, code: 40, network: 20 })
    assert.deepEqual(
      verdict.shifts,
      new Map([
        ['s', -4_980_000],
        ['q', -4_980_000],
      ]),
    )
  })

  test('a callee that began before its call has another clock, however long it took', () => {
    const early = (from: number, to: number) =>
      traceVerdict(spansOf({ id: 'c', kind: 'client', from: 0, to: 100, children: [entry({ id: 's', service: 'inventory', from, to })] }))!
    assert.deepEqual([inMs(early(-40, 20).answer.parts), early(-40, 20).shifts.get('s')], [{ code: 60, network: 40 }, 60_000])
    // Longer than its call: the call was given up, and both began together as far as anybody knows.
    assert.deepEqual([inMs(early(-40, 90).answer.parts), early(-40, 90).shifts.get('s')], [{ code: 100 }, 40_000])
  })

  test('a callee whose span ends a little after its answer stays where it was, and is counted until the answer', () => {
    const served = entry({ id: 's', service: 'inventory', from: 20, to: 104 })
    const verdict = traceVerdict(spansOf({ id: 'c', kind: 'client', from: 0, to: 100, children: [served] }))!
    assert.deepEqual([inMs(verdict.answer.parts), verdict.shifts.size], [{ code: 80, network: 20 }, 0])
  })

  test('one that ends much later has another clock', () => {
    const served = entry({ id: 's', service: 'inventory', from: 70, to: 130 })
    const verdict = traceVerdict(spansOf({ id: 'c', kind: 'client', from: 0, to: 100, children: [served] }))!
    assert.deepEqual([inMs(verdict.answer.parts), verdict.shifts.get('s')], [{ code: 60, network: 40 }, -50_000])
  })

  test('a callee that went on after its caller had given up stays where it was', () => {
    const served = entry({ id: 's', service: 'inventory', from: 60, to: 120 })
    const given = { id: 'c', kind: 'client', from: 0, to: 100, error: 'no answer within 100 ms', children: [served] } as const
    assert.deepEqual(partsOf(given), { network: 60, code: 40 })
  })
})

suite('messages', () => {
  const trace = (facts: Readonly<Record<string, number>>): SpanSpec =>
    entry({
      id: 'a',
      name: 'POST /api/checkout',
      from: 0,
      to: 20,
      children: [
        {
          id: 'p',
          kind: 'producer',
          from: 10,
          to: 15,
          facts: { 'messaging.destination.name': 'orders' },
          children: [{ ...entry({ id: 'h', service: 'mail', from: 115, to: 140, facts }), kind: 'consumer' }],
        },
      ],
    })

  test('are not what the answer waited for, and lie in a queue until they are read', () => {
    const verdict = traceVerdict(spansOf(trace({})))!
    assert.deepEqual(inMs(verdict.answer.parts), { code: 15, downstream: 5 })
    assert.deepEqual(inMs(verdict.whole!.parts), { queue: 100, code: 35, downstream: 5 })
    assert.equal(verdict.whole!.durationUs, 140_000)
  })

  test('were on the network until they could be read, where their consumer knows', () => {
    assert.deepEqual(inMs(traceVerdict(spansOf(trace({ 'seaworthy.time.queue_wait_ms': 80 })))!.whole!.parts), {
      queue: 80,
      code: 35,
      network: 20,
      downstream: 5,
    })
  })

  test('a trace that nothing goes on after has no whole besides its answer', () => {
    assert.equal(traceVerdict(spansOf(entry({ id: 'a', from: 0, to: 10 })))!.whole, undefined)
  })
})

suite('facts that cannot be', () => {
  test('are cut to the span, or left out, and told', () => {
    const facts = { 'seaworthy.time.lock_wait_ms': 5_000, 'seaworthy.time.pool_wait_ms': -3, 'seaworthy.time.execute_ms': 'soon' }
    const verdict = traceVerdict(spansOf(query({ id: 'q', from: 0, to: 100, facts })))!
    assert.deepEqual(inMs(verdict.answer.parts), { 'lock-wait': 100 })
    assert.deepEqual(
      verdict.doubts.map(({ fact, stated, countedUs }) => [fact, stated, countedUs]),
      [
        ['seaworthy.time.lock_wait_ms', '5000', 100_000],
        ['seaworthy.time.pool_wait_ms', '-3', 0],
        ['seaworthy.time.execute_ms', 'soon', 0],
      ],
    )
  })

  test('of a turn of the loop that began before the span are cut to it, and not told: nobody measured wrongly', () => {
    const facts = { 'seaworthy.time.loop_active_ms': 14.6, 'seaworthy.time.cpu_ms': 14 }
    const verdict = traceVerdict(spansOf(entry({ id: 'a', from: 0, to: 1, facts })))!
    assert.deepEqual([inMs(verdict.answer.parts), verdict.doubts], [{ cpu: 1 }, []])
  })

  test('waits that add up to more than the span are cut in the order in which they come', () => {
    const facts = { 'seaworthy.time.pool_wait_ms': 80, 'seaworthy.time.lock_wait_ms': 80, 'seaworthy.time.execute_ms': 80 }
    assert.deepEqual(partsOf(query({ id: 'q', from: 0, to: 100, facts })), { 'pool-wait': 80, 'lock-wait': 20 })
  })

  test('a stretch of the loop that is shorter than a microsecond changes nothing', () => {
    const stretches = [{ at: 5, ms: 0.0001, cpuMs: 0 }]
    const known = spansOf(entry({ id: 'a', from: 0, to: 10, stretches }))
    assert.deepEqual(traceVerdict(known)!.answer.parts, traceVerdict(spansOf(entry({ id: 'a', from: 0, to: 10 })))!.answer.parts)
  })

  test('no spans give no verdict', () => {
    assert.equal(traceVerdict([]), undefined)
  })
})

suite('for any trace', () => {
  const kind = fc.constantFrom('unspecified', 'internal', 'server', 'client', 'producer', 'consumer')
  const ms = fc.oneof(fc.double({ min: 0, max: 400, noNaN: true }), fc.constantFrom(0, -5, 1e9, Number.NaN))
  const names = [
    'processor_wait_ms',
    'pool_wait_ms',
    'lock_wait_ms',
    'execute_ms',
    'cpu_ms',
    'loop_active_ms',
    'loop_blocked_ms',
    'queue_wait_ms',
    'admission_wait_ms',
  ]
  const facts = fc.dictionary(fc.constantFrom(...names.map((name) => `seaworthy.time.${name}`)), ms, { maxKeys: 5 })
  const stretch = fc.record({ at: fc.double({ min: -50, max: 500, noNaN: true }), ms, cpuMs: ms })
  const drawn = fc.array(
    fc.record({
      parent: fc.nat(),
      kind,
      service: fc.constantFrom('a', 'b', 'c'),
      start: fc.double({ min: -50, max: 400, noNaN: true }),
      length: fc.double({ min: -1, max: 300, noNaN: true }),
      facts,
      stretches: fc.array(stretch, { maxLength: 2 }),
      isAsynchronous: fc.boolean(),
      isFailed: fc.boolean(),
    }),
    { minLength: 1, maxLength: 25 },
  )

  const traceOf = (specs: readonly DrawnSpan[]): VerdictSpan[] =>
    specs.map((spec, index) => ({
      ...spansOf({
        id: `s${index}`,
        service: spec.service,
        kind: spec.kind,
        from: spec.start,
        to: spec.start + spec.length,
        facts: spec.facts,
        stretches: spec.stretches,
      })[0]!,
      parentSpanId: index === 0 ? undefined : `s${spec.parent % index}`,
      isAsynchronous: spec.isAsynchronous,
      error: spec.isFailed ? 'failed' : undefined,
    }))

  test('the parts of the answer, of the whole and of every span sum exactly to what they are parts of', () => {
    fc.assert(
      fc.property(drawn, (specs) => {
        const spans = traceOf(specs)
        const verdict = traceVerdict(spans)!
        for (const each of [verdict.answer, verdict.whole]) {
          if (each === undefined) continue
          assert.equal(sumOf(each.parts), each.durationUs)
          assert.equal(sumOf(each.findings), each.durationUs)
          assert.ok(each.parts.every(({ us }) => Number.isInteger(us) && us > 0))
          assert.ok(each.repetitions.every(({ us }) => us <= each.durationUs))
        }
        for (const { spanId, startUs, endUs } of spans) {
          const parts = verdict.partsOf(spanId)!
          assert.equal(sumOf(parts), Math.max(0, Math.round(endUs) - Math.round(startUs)), spanId)
          assert.ok(parts.every(({ us }) => Number.isInteger(us) && us > 0))
        }
      }),
      { numRuns: 150 },
    )
  })

  test('the answer takes as long as its span', () => {
    fc.assert(
      fc.property(drawn, (specs) => {
        const { answer } = traceVerdict(traceOf(specs))!
        const { startUs, endUs } = answer.root
        assert.equal(answer.durationUs, Math.max(0, Math.round(endUs) - Math.round(startUs)))
      }),
      { numRuns: 50 },
    )
  })
})

interface DrawnSpan {
  readonly parent: number
  readonly kind: VerdictSpan['kind']
  readonly service: string
  readonly start: number
  readonly length: number
  readonly facts: Readonly<Record<string, number>>
  readonly stretches: readonly { readonly at: number; readonly ms: number; readonly cpuMs: number }[]
  readonly isAsynchronous: boolean
  readonly isFailed: boolean
}
