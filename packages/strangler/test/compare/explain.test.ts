import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guesses } from '../../src/compare/explain.ts'

for (const [expected, actual, guess] of [
  [10.35, 1035, "the monolith's × 100"],
  [10.357, 10.35, 'cut off behind 2 decimals'],
  [10.357, 10.36, 'rounded to 2 decimals'],
  [7, 8, "the monolith's + 1"],
  [7, -7, 'the sign turned'],
  [7, '7', 'the number as a text'],
  ['7.50', 7.5, 'the text as a number'],
  [null, '', 'empty instead of null'],
  [[], null, 'null instead of empty'],
  ['Müsli', 'MÃ¼sli', 'UTF-8 that was read as Latin-1'],
  ['MÃ¼sli', 'Müsli', 'Latin-1 that was read as UTF-8'],
  ['Café', 'Cafe', 'accents'],
  ['Café', 'Cafe\u0301', 'another Unicode normalization'],
  ['a & b', 'a &amp; b', 'escaped for HTML'],
  ['Chair', 'CHAIR', 'upper and lower case'],
  ['Chair', 'Chair ', 'white space at the ends'],
  ['a long title', 'a long', 'cut off'],
  ['12.50', '12.5', 'the same number, written otherwise'],
  ['2026-03-03T14:00:00Z', '2026-03-03T15:00:00+01:00', 'the same time, written otherwise'],
  ['2026-03-03T14:00:00Z', '2026-03-03T13:00:00Z', "the monolith's time - 1 h"],
] as const) {
  test(`${JSON.stringify(expected)} and ${JSON.stringify(actual)}: ${guess}`, () => {
    assert.ok(guesses(expected, actual).includes(guess), guesses(expected, actual).join('; '))
  })
}

test('what has nothing to do with each other is not explained', () => {
  assert.deepEqual(guesses('Chair', 'Lamp'), [])
  assert.deepEqual(guesses(undefined, 1), [])
})
