import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { traceVerdict } from 'seaworthy/trace-analysis'
import { type OtlpTrace, readTrace } from '../../src/otlp/read-trace.ts'
import { checkoutSpans, otlpRequest } from '../checkout-trace.ts'
import { lockedCheckout } from '../slow-traces.ts'
import { lockHolder, shownParts, shownVerdict } from '../../web/src/view-model/verdict-view.ts'

const read = (spans: Parameters<typeof otlpRequest>[0]) =>
  readTrace(otlpRequest(spans, { traceId: 'a'.repeat(32), correlationId: 'c', startMs: 1_795_438_250_000 }) as OtlpTrace)!.spans

suite('a verdict as it is shown', () => {
  test('has its parts by rank, each with the span that has the most of it, and the holder of the lock', () => {
    const spans = read(lockedCheckout())
    const { paths, spansToLookAt, movedCount, doubts } = shownVerdict(traceVerdict(spans)!)
    const [path, ...others] = paths
    assert.equal(others.length, 0)
    assert.equal(path!.parts.reduce((sum, { ratio }) => sum + ratio, 0).toFixed(9), '1.000000000')
    assert.deepEqual(
      path!.parts.slice(0, 5).map(({ cause, rank }) => `${rank} ${cause}`),
      ['1 lock-wait', '2 code', '3 cpu', '4 query', '4 network'],
    )
    const update = spans.find(({ name }) => name === 'UPDATE stock')!
    assert.equal(path!.parts[0]!.spanId, update.spanId)
    assert.equal(path!.holder?.traceId, '4bf92f3577b34da6a3ce929d0e0e4736')
    assert.equal(spansToLookAt[0], update.spanId)
    assert.deepEqual([movedCount, doubts], [0, []])
    assert.deepEqual(structuredClone(paths), paths, 'it can go from thread to thread')
  })

  test('goes on to the end of what was set off where that is much later', () => {
    const verdict = traceVerdict(read(checkoutSpans()))!
    assert.deepEqual(
      shownVerdict(verdict).paths.map(({ kind, durationUs }) => [kind, durationUs]),
      [
        ['answer', 137_000],
        ['whole', 251_000],
      ],
    )
    assert.equal(shownVerdict({ ...verdict, whole: { ...verdict.whole!, durationUs: 150_000 } }).paths.length, 1)
  })

  test('names the holder of a span’s lock as far as it is known', () => {
    const update = read(lockedCheckout()).find(({ name }) => name === 'UPDATE stock')!
    assert.deepEqual(lockHolder(update.attributes), {
      who: 'nightly-recount',
      state: ', idle in transaction for 1.61 s',
      trace: { page: 'trace', traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' },
    })
    assert.deepEqual(lockHolder([{ key: 'seaworthy.lock.blocker.pid', value: '12' }]), {
      who: 'process 12 of the database',
      state: '',
      trace: undefined,
    })
    assert.equal(lockHolder([]), undefined)
  })

  test('of nothing has no share', () => {
    assert.deepEqual(shownParts([{ cause: 'cpu', us: 0 }], 0), [{ cause: 'cpu', us: 0, ratio: 0, rank: 1, spanId: undefined }])
  })
})
