import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { labelledTicks, placeIn, roundStep, timeTicks, viewAround } from '../../web/src/view-model/time-axis.ts'

const labels = (startUs: number, endUs: number, count = 5) => timeTicks({ startUs, endUs }, count).map(({ label }) => label)

test('ticks stand at round times with labels in one unit', () => {
  assert.deepEqual(labels(0, 251_000), ['0', '100 ms', '200 ms'])
  assert.deepEqual(labels(0, 1_000), ['0', '200 µs', '400 µs', '600 µs', '800 µs', '1.0 ms'])
  assert.deepEqual(labels(0, 2_400_000), ['0', '500 ms', '1.0 s', '1.5 s', '2.0 s'])
  assert.deepEqual(labels(24_000, 37_000), ['25 ms', '30 ms', '35 ms'])
})

test('labels of neighbours differ, however far the view is zoomed in', () => {
  const found = labels(1_234_000, 1_234_004)
  assert.equal(new Set(found).size, found.length)
})

test('a trace of no length has an axis', () => {
  assert.deepEqual(labels(0, 0).at(0), '0')
})

test('any view has at most count + 1 ticks, within it, equally far apart', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.double({ min: 1, max: 1e9, noNaN: true }),
      fc.integer({ min: 1, max: 10 }),
      (startUs, lengthUs, count) => {
        const ticks = timeTicks({ startUs, endUs: startUs + lengthUs }, count)
        assert.ok(ticks.length <= count + 1, `${ticks.length}`)
        for (const { at } of ticks) assert.ok(at >= -1e-6 && at <= 1 + 1e-6)
      },
    ),
  )
})

test('steps are 1, 2 or 5 times a power of ten', () => {
  assert.deepEqual([0.3, 1, 1.1, 2.5, 7, 10, 42].map(roundStep), [0.5, 1, 2, 5, 10, 10, 50])
})

test('an interval is cut off at the edges of the view, and is nowhere outside it', () => {
  const view = { startUs: 100, endUs: 200 }
  assert.deepEqual(placeIn(view, 150, 175), { left: 0.5, width: 0.25 })
  assert.deepEqual(placeIn(view, 50, 150), { left: 0, width: 0.5 })
  assert.deepEqual(placeIn(view, 0, 1_000), { left: 0, width: 1 })
  assert.equal(placeIn(view, 10, 90), undefined)
  assert.equal(placeIn(view, 210, 290), undefined)
})

test('a view around a span leaves room and stays within the trace', () => {
  const view = viewAround(40_000, 60_000, 100_000)
  assert.ok(view.startUs < 40_000 && view.startUs > 30_000 && view.endUs > 60_000 && view.endUs < 70_000)
  assert.deepEqual(viewAround(0, 100_000, 100_000), { startUs: 0, endUs: 100_000 })
})

test('labels of an axis stand right of their lines, the last one left of it, and none runs into another', () => {
  const sides = (timePx: number) => labelledTicks(timeTicks({ startUs: 0, endUs: 1_000_000 }, 4), timePx).map(({ side }) => side ?? '-')
  assert.deepEqual(sides(800), ['right', 'right', 'left'])
  assert.deepEqual(sides(100), ['right', 'right', '-'])
  assert.deepEqual(sides(60), ['right', '-', 'left'])
  assert.deepEqual(sides(20), ['right', '-', '-'])
})
