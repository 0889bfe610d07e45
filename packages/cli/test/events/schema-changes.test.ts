import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import * as fc from 'fast-check'
import { z } from 'zod'
import { type SchemaChange, schemaChanges } from '../../src/events/schema-changes.ts'

const json = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input' })
const between = (before: z.ZodType, after: z.ZodType) =>
  schemaChanges(json(before), json(after)).map(({ field, breaks }) => `${field} ${breaks}`)

const line = z.object({ productId: z.string().min(1), quantity: z.int().min(1) })
const order = z.object({
  orderId: z.string().min(1),
  lines: z.array(line).min(1),
  status: z.enum(['paid', 'open']),
  note: z.string().optional(),
})

const changes: readonly (readonly [what: string, after: z.ZodType, expected: readonly string[]])[] = [
  ['nothing', order, []],
  ['a description', order.extend({ note: z.string().describe('for the parcel').optional() }), []],
  [
    'the order of fields',
    z.object({ note: z.string().optional(), status: z.enum(['open', 'paid']), lines: z.array(line).min(1), orderId: z.string().min(1) }),
    [],
  ],
  ['a new optional field', order.extend({ giftWrap: z.boolean().optional() }), ['giftWrap none']],
  [
    'a new optional field far below',
    order.extend({ lines: z.array(line.extend({ colour: z.string().optional() })).min(1) }),
    ['lines[].colour none'],
  ],
  ['a new required field', order.extend({ customerId: z.string() }), ['customerId backward']],
  ['a field that is gone', order.omit({ note: true }), ['note forward']],
  ['a field that became required', order.extend({ note: z.string() }), ['note backward']],
  ['a field that became optional', order.extend({ orderId: z.string().min(1).optional() }), ['orderId forward']],
  ['another type', order.extend({ orderId: z.int() }), ['orderId both', 'orderId forward', 'orderId backward', 'orderId backward']],
  [
    'a wider type',
    order.extend({ lines: z.array(line.extend({ quantity: z.number().min(1).max(Number.MAX_SAFE_INTEGER) })).min(1) }),
    ['lines[].quantity forward'],
  ],
  ['a stricter bound', order.extend({ lines: z.array(line).min(2) }), ['lines backward']],
  ['a looser bound', order.extend({ lines: z.array(line) }), ['lines forward']],
  ['a value more', order.extend({ status: z.enum(['paid', 'open', 'void']) }), ['status forward']],
  ['a value less', order.extend({ status: z.enum(['paid']) }), ['status backward']],
  ['null besides', order.extend({ note: z.string().nullable().optional() }), ['note forward']],
]

for (const [what, after, expected] of changes) {
  test(`a published schema that changes by ${what} breaks: ${expected.length === 0 ? 'nothing' : expected.join(', ')}`, () => {
    assert.deepEqual(between(order, after).toSorted(), [...expected].toSorted())
  })
}

test('a strict schema takes no new field, because consumers that were deployed before refuse it', () => {
  const strict = z.strictObject({ a: z.string() })
  const wider = strict.extend({ b: z.string().optional() })
  assert.deepEqual([between(strict, wider), between(wider, strict)], [['b forward'], ['b both']])
})

test('a field that is required and nowhere described is one all the same', () => {
  const [before, after] = [{ type: 'object' }, { type: 'object', required: ['a'] }]
  assert.deepEqual([schemaChanges(before, after)[0]!.breaks, schemaChanges(after, before)[0]!.breaks], ['backward', 'forward'])
})

test('an alternative more is for new code, one less for old data', () => {
  const two = z.union([z.object({ a: z.string() }), z.object({ b: z.string() })])
  const three = z.union([...two.options, z.object({ c: z.string() })])
  assert.deepEqual([between(two, three), between(three, two)], [[' forward'], [' backward']])
})

// Schemas and data of a small world, in which every pair meets often.
const scalar = fc.oneof(
  fc.record(
    { type: fc.constantFrom('integer', 'number'), minimum: fc.integer({ min: 0, max: 2 }), maximum: fc.integer({ min: 1, max: 3 }) },
    { requiredKeys: ['type'] },
  ),
  fc.record(
    { type: fc.constant('string'), minLength: fc.integer({ min: 0, max: 2 }), enum: fc.subarray(['', 'a', 'ab'], { minLength: 1 }) },
    { requiredKeys: ['type'] },
  ),
  fc.record({ type: fc.constantFrom(['string', 'null'], ['null', 'integer'], 'null', 'boolean') }),
)
const { schema: anySchema } = fc.letrec<{ schema: object; object: object }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    tie('object'),
    tie('schema').map((items) => ({ type: 'array', items })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 2 }).map((anyOf) => ({ anyOf })),
  ),
  object: fc
    .record({
      properties: fc.dictionary(fc.constantFrom('x', 'y'), tie('schema'), { maxKeys: 2 }),
      required: fc.subarray(['x', 'y']),
      strict: fc.boolean(),
    })
    .map(({ properties, required, strict }) => ({
      type: 'object',
      properties,
      required: required.filter((name) => Object.hasOwn(properties, name)),
      ...(strict && { additionalProperties: false }),
    })),
}))
const { value: anyData } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(0, 1, 2, 3, 0.5, '', 'a', 'ab', 'abc', null, true),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('x', 'y'), tie('value'), { maxKeys: 2 }),
  ),
}))

test('what is said to break nothing breaks nothing: a validator accepts what it accepted before, and the other way round', () => {
  const ajv = new Ajv2020({ strict: false, validateSchema: false })
  const isSafe = (found: readonly SchemaChange[], way: 'backward' | 'forward') =>
    found.every(({ breaks }) => breaks !== way && breaks !== 'both')
  let judged = 0
  fc.assert(
    fc.property(anySchema, anySchema, fc.array(anyData, { minLength: 5, maxLength: 20 }), (before, after, data) => {
      const found = schemaChanges(before, after)
      const [old, now] = [ajv.compile(before), ajv.compile(after)]
      for (const value of data) {
        const [wasValid, isValid] = [old(value), now(value)]
        // Publishers do not send fields that their own schema does not name.
        if (isSafe(found, 'backward') && wasValid && !hasUnnamed(before, value))
          assert.ok(isValid, `new code refuses ${JSON.stringify(value)}`)
        if (isSafe(found, 'forward') && isValid && !hasUnnamed(after, value))
          assert.ok(wasValid, `old code refuses ${JSON.stringify(value)}`)
        if (wasValid !== isValid) judged++
      }
    }),
    { numRuns: 200 },
  )
  assert.ok(judged > 20, `only ${judged} values told the two schemas apart`)
})

/** Whether data has a field that its schema does not name, at any depth. */
function hasUnnamed(schema: object, value: unknown): boolean {
  const { properties = {}, items, anyOf } = schema as { properties?: Record<string, object>; items?: object; anyOf?: object[] }
  if (anyOf !== undefined) return anyOf.every((one) => hasUnnamed(one, value))
  if (Array.isArray(value)) return items !== undefined && value.some((item) => hasUnnamed(items, item))
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, field]) => properties[name] === undefined || hasUnnamed(properties[name], field))
}

test('a schema is as it was, whatever it is', () => {
  fc.assert(fc.property(anySchema, (schema) => assert.deepEqual(schemaChanges(schema, structuredClone(schema)), [])))
})

test('what breaks one way forth breaks the other way back', () => {
  const turned = { backward: 'forward', forward: 'backward', both: 'both', none: 'none' } as const
  fc.assert(
    fc.property(scalar, scalar, (one, other) => {
      const forth = schemaChanges(one, other).map(({ field, breaks }) => `${field} ${turned[breaks]}`)
      const back = schemaChanges(other, one).map(({ field, breaks }) => `${field} ${breaks}`)
      assert.deepEqual(forth.toSorted(), back.toSorted())
    }),
  )
})
