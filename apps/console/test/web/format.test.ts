import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fullScale } from '../../web/src/pages/traces/bar-scale.ts'
import { formatAge, formatDuration, formatRate, formatShare, plural, shortId } from '../../web/src/view-model/format.ts'

test('durations have three digits in the largest unit that fits, across every boundary', () => {
  const cases: [us: number, text: string][] = [
    [0, '0 µs'],
    [0.4, '0 µs'],
    [832, '832 µs'],
    [999.4, '999 µs'],
    [999.6, '1.00 ms'],
    [9_994, '9.99 ms'],
    [9_996, '10.0 ms'],
    [99_960, '100 ms'],
    [137_400, '137 ms'],
    [999_600, '1.00 s'],
    [12_340_000, '12.3 s'],
    [59_999_600, '1 min 00 s'],
    [125_000_000, '2 min 05 s'],
    [3_599_600_000, '1 h 00 min'],
    [7_380_000_000, '2 h 03 min'],
    [86_399_900_000, '1 d 0 h'],
    [180_000_000_000, '2 d 2 h'],
  ]
  for (const [us, text] of cases) assert.equal(formatDuration(us), text, `${us} µs`)
})

test('rates are per second, and what is rare is not nothing', () => {
  assert.deepEqual([0, 0.001, 0.2, 3.14, 250.4].map(formatRate), ['0 /s', '< 0.01 /s', '0.20 /s', '3.1 /s', '250 /s'])
})

test('a share is never 0 % for something, nor 100 % for less than all', () => {
  assert.equal(formatShare(0, 10), '0 %')
  assert.equal(formatShare(1, 10_000), '< 0.1 %')
  assert.equal(formatShare(9_999, 10_000), '> 99.9 %')
  assert.equal(formatShare(10, 10), '100 %')
  assert.equal(formatShare(1, 30), '3.3 %')
})

test('ages, counts and ids', () => {
  assert.deepEqual([-5, 59_000, 61_000, 7_300_000, 200_000_000].map(formatAge), ['0 s', '59 s', '1 min', '2 h', '2 d'])
  assert.deepEqual([plural(1, 'span'), plural(5_001, 'span')], ['1 span', '5,001 spans'])
  assert.equal(shortId('01a20875-8a09-751c-9df6-e18876b88142'), '01a20875…b88142')
  assert.equal(shortId('short'), 'short')
})

test('one outlier does not make the bars of all others dots', () => {
  const values = [...Array.from({ length: 99 }, () => 10), 9_000]
  assert.equal(fullScale(values), 10)
  assert.ok(fullScale([]) > 0)
  assert.ok(fullScale([0, 0]) > 0)
})
