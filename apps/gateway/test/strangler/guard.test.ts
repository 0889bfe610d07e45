import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { seededRandom } from 'seaworthy/core'
import { defaultGuard, verdictOf } from '../../src/strangler/guard.ts'
import { type SideFigures, SideWindow } from '../../src/strangler/side-window.ts'

const side = (requests: number, errors: number, p95Ms: number | undefined = 20): SideFigures => ({ requests, errors, p95Ms })
const verdict = (from: SideFigures, to: SideFigures, baseline?: SideFigures) => verdictOf({ from, to }, baseline, defaultGuard)

describe('a route goes back', () => {
  test('when the new side burns its error budget, and says with what figures', () => {
    const why = verdict(side(1_000, 1), side(300, 37))
    assert.match(why ?? '', /12\.33 % of 300 requests failed \(37\).*2 times the budget of 1 %; on the old side 0\.1 %/)
  })

  test('when the new side is slow against the old one, and says how slow', () => {
    assert.match(verdict(side(1_000, 0, 20), side(300, 0, 90)) ?? '', /95th percentile of 300 requests is 90 ms, and on the old side 20 ms/)
  })

  test('at 100 %, too: then what the old side was like last is what counts', () => {
    assert.match(verdict(side(0, 0, undefined), side(300, 0, 90), side(900, 0, 20)) ?? '', /on the old side 20 ms/)
    assert.match(verdict(side(0, 0, undefined), side(300, 30)) ?? '', /no requests to compare/)
  })

  for (const [what, from, to] of [
    ['too few requests say anything', side(1_000, 0), side(49, 49)],
    ['the failures are within the budget', side(1_000, 0), side(1_000, 19)],
    ['both sides fail alike', side(1_000, 300), side(200, 60)],
    ['a difference is what chance makes of it', side(1_000, 100), side(100, 12)],
    ['it is slower by very little', side(1_000, 0, 2), side(1_000, 0, 20)],
    ['it is not that many times slower', side(1_000, 0, 100), side(1_000, 0, 180)],
    ['nobody knows how quick the old one is', side(0, 0, undefined), side(1_000, 0, 5_000)],
  ] as const)
    test(`but not when ${what}`, () => assert.equal(verdict(from, to), undefined))
})

describe('the window of a side', () => {
  test('counts what lies within it, and forgets the rest', () => {
    const window = new SideWindow(1_000)
    window.record({ nowMs: 50, isError: true, answerMs: 1 })
    for (let nowMs = 500; nowMs < 600; nowMs++) window.record({ nowMs, isError: false, answerMs: 10 })
    assert.deepEqual([window.figures(900).requests, window.figures(900).errors], [101, 1])
    assert.deepEqual([window.figures(1_150).requests, window.figures(1_150).errors], [100, 0])
    assert.deepEqual(window.figures(100_000), { requests: 0, errors: 0, p95Ms: undefined })
  })

  test('knows the 95th percentile to a quarter', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 20, max: 500 }), (seed, count) => {
        const random = seededRandom(seed)
        const window = new SideWindow(10_000)
        const latencies = Array.from({ length: count }, () => 1 + 5_000 * random.float() ** 3)
        for (const answerMs of latencies) window.record({ nowMs: 1, isError: false, answerMs })
        const exact = latencies.toSorted((one, other) => one - other)[Math.ceil(0.95 * count) - 1]!
        const { p95Ms } = window.figures(1)
        assert.ok(p95Ms! >= exact * 0.999 && p95Ms! <= exact * 1.26, `${p95Ms} for ${exact}`)
      }),
    )
  })

  test('does not take quick failures for quick answers', () => {
    const window = new SideWindow(10_000)
    for (let count = 0; count < 90; count++) window.record({ nowMs: 1, isError: true, answerMs: 1 })
    for (let count = 0; count < 10; count++) window.record({ nowMs: 1, isError: false, answerMs: 800 })
    assert.ok(window.figures(1).p95Ms! >= 800)
  })
})
