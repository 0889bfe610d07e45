import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InvalidInputError, type Schema, type SchemaResult, validate } from 'seaworthy/core'

const answering = <T>(result: SchemaResult<T> | Promise<SchemaResult<T>>): Schema<T> => ({
  '~standard': { version: 1, vendor: 'test', validate: () => result },
})

const invalid = (schema: Schema<unknown>): InvalidInputError => {
  try {
    validate(schema, {}, 'the order')
  } catch (error) {
    assert.ok(error instanceof InvalidInputError)
    return error
  }
  assert.fail('held')
}

describe('validate', () => {
  test('returns what the schema made of the value', () => {
    assert.equal(validate(answering({ value: 42 }), '42', 'the number'), 42)
  })

  test('names every field by its path', () => {
    const error = invalid(
      answering({
        issues: [
          { message: 'must be positive', path: ['lines', 0, 'quantity'] },
          { message: 'is missing', path: [{ key: 'card' }] },
          { message: 'is no e-mail address', path: [{ key: 'contacts' }, { key: 2 }, 'email'] },
          { message: 'has unknown fields' },
        ],
      }),
    )
    assert.deepEqual(
      error.fields.map(({ field }) => field),
      ['lines[0].quantity', 'card', 'contacts[2].email', ''],
    )
    assert.match(error.message, /^the order is not valid: lines\[0\]\.quantity: must be positive; .*; has unknown fields\.$/)
    assert.equal(error.executed, 'no')
    assert.equal(error.final, true)
  })

  test('refuses a schema that checks asynchronously, for its answer would come too late', () => {
    assert.match(invalid(answering(Promise.resolve({ value: 1 }))).message, /asynchronously/)
  })
})
