import assert from 'node:assert/strict'
import { test } from 'node:test'
import { regressionOf } from '../suites/gateway/regression.ts'

test('a slope is told with its error, and a straight line has none', () => {
  const straight = regressionOf([1, 2, 3, 4].map((x) => ({ x, y: 10 + 0.5 * x })))
  assert.ok(Math.abs(straight.slope - 0.5) < 1e-12 && straight.error < 1e-12)
  // By hand: slope 0.6, residuals -0.1, 0.3, -0.3, 0.1; 0.2 / 2 / 5 is the square of the error.
  const scattered = regressionOf([1.5, 2.5, 2.5, 3.5].map((y, x) => ({ x, y })))
  assert.ok(Math.abs(scattered.slope - 0.6) < 1e-12)
  assert.ok(Math.abs(scattered.error - Math.sqrt(0.2 / 2 / 5)) < 1e-12)
  assert.throws(() => regressionOf([{ x: 1, y: 1 }]), /three points/)
})
