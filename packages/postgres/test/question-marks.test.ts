import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { numbered } from '../src/question-marks.ts'

suite('question marks for parameters', () => {
  test('are numbered in the order in which they stand', () => {
    assert.equal(numbered('INSERT INTO t (a, b) VALUES (?, ?), (?, ?)'), 'INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)')
  })

  test('keep the numbers that they have, and a bare one follows the highest, as in SQLite', () => {
    assert.equal(numbered('SELECT ?2, ?, ?1, ?'), 'SELECT $2, $3, $1, $4')
  })

  test('in strings, quoted names and comments are none', () => {
    const sql = `SELECT 'why?', 'it''s ?', "what?", ? -- really?
      /* or ? */ FROM t WHERE name LIKE ? ESCAPE '\\' AND x = ?`
    assert.equal(
      numbered(sql),
      `SELECT 'why?', 'it''s ?', "what?", $1 -- really?
      /* or ? */ FROM t WHERE name LIKE $2 ESCAPE '\\' AND x = $3`,
    )
  })

  test('a statement without any stays the same text, by which it is prepared', () => {
    const sql = 'SELECT $1::text'
    assert.equal(numbered(sql), sql)
  })
})
