import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { StatementRefusedError } from '@seaworthy/postgres'
import { assertAllowed } from '../src/statement-guard.ts'
import { restored, storable, textArray } from '../src/values.ts'

// The characters that matter, among others.
const name = fc.string({ unit: fc.constantFrom('\0', '\\', '0', 'a', 'ü', '"', '{', ',') })

suite('names in text columns', () => {
  test('a name comes back as it was, without a NUL in between, and different names stay different', () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        assert.equal(restored(storable(one)), one)
        assert.ok(!storable(one).includes('\0'))
        assert.equal(storable(one) === storable(other), one === other)
      }),
    )
  })

  test('an array of texts has a literal that cannot be taken for another', () => {
    assert.equal(textArray([]), '{}')
    assert.equal(textArray(['a', '', 'NULL', 'b"c', String.raw`d\e`, '{f,g}']), String.raw`{"a","","NULL","b\"c","d\\e","{f,g}"}`)
    fc.assert(
      fc.property(fc.array(name), fc.array(name), (one, other) => {
        assert.equal(textArray(one) === textArray(other), one.length === other.length && one.every((text, index) => text === other[index]))
      }),
    )
  })
})

suite('statements of a body', () => {
  test('words that look like what is refused are not', () => {
    for (const sql of [
      'SELECT 1',
      'WITH settled AS (SELECT 1) SELECT * FROM settled',
      'UPDATE commits SET n = 1',
      '-- COMMIT\nSELECT 1',
      '/* ROLLBACK */ SELECT 1',
      'set local lock_timeout = 5',
      'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
      'SET CONSTRAINTS ALL DEFERRED',
      "INSERT INTO note VALUES ('x'); -- COMMIT",
      'EXPLAIN SELECT 1',
      'loading',
    ]) {
      assertAllowed(sql, 'orders')
    }
  })

  test('what is refused is found behind comments and in any case', () => {
    for (const sql of [
      'commit',
      ' END',
      '--\n/**/ RollBack to a',
      'start transaction',
      'PREPARE  TRANSACTION $1',
      'set role x',
      'ABORT',
      'RESET ALL',
    ]) {
      assert.throws(() => assertAllowed(sql, 'orders'), StatementRefusedError, sql)
    }
  })
})
