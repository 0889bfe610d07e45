import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidInputError } from 'seaworthy/core'
import { assertWellFormed } from '../../src/rest/well-formed.ts'

function fieldOf(body: unknown): string | undefined {
  try {
    assertWellFormed(body, 'The body')
    return undefined
  } catch (error) {
    assert.ok(error instanceof InvalidInputError)
    return error.fields[0]!.field
  }
}

test('text with half a surrogate pair is named by its path, and whole pairs pass', () => {
  assert.equal(fieldOf({ name: 'whole: \u{1f6a2}', lines: [{ id: 'a' }, 1, null, true] }), undefined)
  assert.equal(fieldOf({ ok: 'a', lines: [{ id: 'a' }, { id: '\ud800' }] }), 'lines[1].id')
  assert.equal(fieldOf('\udc00'), '')
  assert.equal(fieldOf({ outer: { '\ud800': 1 } }), 'outer')
})

test('a body that is nested deeper than the stack is read to its end', () => {
  let body: unknown = '\ud800'
  for (let depth = 0; depth < 200_000; depth++) body = [body]
  assert.notEqual(fieldOf(body), undefined)
})
