import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { comparableAnswer } from '../../src/compare/answer.ts'
import { compareAnswers } from '../../src/compare/compare-answers.ts'
import { NO_KNOWLEDGE } from '../../src/compare/knowledge.ts'
import { differences, json, NOW_MS, told } from './answers.ts'

test('fields are compared by their paths, whatever their order', () => {
  assert.deepEqual(differences(json({ a: 1, b: { c: 'x' } }), json({ b: { c: 'x' }, a: 1 })), [])
  assert.deepEqual(differences(json({ a: 1, b: { c: 'x' } }), json({ b: { c: 'y' }, a: '1' })), ['type body.a', 'value body.b.c'])
})

test('null, nothing and empty are three things', () => {
  assert.deepEqual(differences(json({ a: null }), json({})), ['missing body.a'])
  assert.deepEqual(differences(json({}), json({ a: null })), ['added body.a'])
  assert.deepEqual(differences(json({ a: null }), json({ a: '' })), ['type body.a'])
  assert.deepEqual(differences(json({ a: [] }), json({ a: null })), ['type body.a'])
})

test('integers beyond 2^53 are compared to the last digit', () => {
  assert.deepEqual(differences(json('{"id":9007199254740993}'), json('{"id":9007199254740992}')), ['value body.id'])
  assert.deepEqual(differences(json('{"id":9007199254740993}'), json('{"id":9007199254740993}')), [])
})

test('what a double cannot hold exactly is no difference', () => {
  assert.deepEqual(differences(json({ sum: 0.1 + 0.2 }), json({ sum: 0.3 })), [])
  assert.deepEqual(differences(json({ sum: 0.31 }), json({ sum: 0.3 })), ['value body.sum'])
})

test('elements with an identity are matched by it: one that is gone does not shift the others', () => {
  const list = (...ids: number[]) => json({ items: ids.map((id) => ({ id, name: `n${id}` })) })
  assert.deepEqual(differences(list(1, 2, 3), list(2, 3)), ['missing body.items[]'])
  assert.deepEqual(differences(list(1, 2, 3), list(1, 2, 3, 4)), ['added body.items[]'])
  assert.deepEqual(differences(list(1, 2, 3), list(1, 3, 2)), ['order body.items'])
  const [difference] = compareAnswers(list(1, 2), list(1), NO_KNOWLEDGE).differences
  assert.equal(difference!.path, 'body.items[id=2]')
})

test('elements without an identity are told apart as far as they can be', () => {
  assert.deepEqual(differences(json({ tags: ['a', 'b'] }), json({ tags: ['b', 'a'] })), ['order body.tags'])
  assert.deepEqual(differences(json({ tags: ['a', 'b', 'b'] }), json({ tags: ['a', 'b'] })), ['missing body.tags[]'])
  assert.deepEqual(differences(json({ at: [{ x: 1 }, { x: 1 }, { x: 2 }] }), json({ at: [{ x: 1 }, { x: 2 }] })), ['length body.at'])
  assert.deepEqual(differences(json({ at: [{ x: 1 }, { x: 1 }] }), json({ at: [{ x: 1 }, { x: 3 }] })), ['value body.at[].x'])
})

test('names that are data share a field', () => {
  assert.deepEqual(differences(json({ 17: { n: 1 }, 18: { n: 1 } }), json({ 17: { n: 2 }, 18: { n: 2 } })), [
    'value body{}.n',
    'value body{}.n',
  ])
})

test('a field may be called anything', () => {
  const odd = '{"__proto__":{"a":1},"constructor":2,"":3,"a b":4}'
  assert.deepEqual(differences(json(odd), json(odd)), [])
  assert.deepEqual(differences(json(odd), json('{}')), [
    'missing body.__proto__',
    'missing body.constructor',
    'missing body[""]',
    'missing body["a b"]',
  ])
})

test('with another status the body is not compared', () => {
  assert.deepEqual(differences(json({ a: 1 }), json({ error: 'x' }, { status: 500 })), ['value status'])
})

test('headers count, but for those of the connection, the program and the moment', () => {
  const one = json(
    {},
    {
      headers: [
        ['Date', 'x'],
        ['Server', 'old'],
        ['X-Total', '3'],
        ['Vary', 'Accept, Origin'],
        ['ETag', '"a"'],
      ],
    },
  )
  const other = json(
    {},
    {
      headers: [
        ['date', 'y'],
        ['x-total', '3'],
        ['vary', 'origin,accept'],
        ['etag', '"b"'],
      ],
    },
  )
  assert.deepEqual(differences(one, other), [])
  const without = json(
    {},
    {
      headers: [
        ['vary', 'accept'],
        ['etag', 'W/"a"'],
      ],
    },
  )
  assert.deepEqual(differences(one, without), ['missing header.x-total', 'value header.vary', 'value header.etag'])
})

test('cookies are compared attribute by attribute', () => {
  const cookie = (text: string) => json({}, { headers: [['set-cookie', text]] })
  assert.deepEqual(differences(cookie('sid=1; Path=/; HttpOnly'), cookie('sid=1; HttpOnly; Path=/')), [])
  assert.deepEqual(differences(cookie('sid=1; Path=/; HttpOnly'), cookie('sid=2; Path=/')), [
    'value header.set-cookie.sid.value',
    'missing header.set-cookie.sid.httponly',
  ])
})

test('bodies that are no JSON are compared by length and hash, and packed ones unpacked', () => {
  const text = (body: Uint8Array | string, encoding = 'identity') =>
    comparableAnswer(
      {
        status: 200,
        headers: [
          ['content-type', 'text/csv'],
          ['content-encoding', encoding],
        ],
        body: Buffer.from(body),
        atMs: NOW_MS,
      },
      { ignore: ['content-encoding'] },
    )
  assert.deepEqual(differences(text('a;b'), text(gzipSync('a;b'), 'gzip')), [])
  assert.deepEqual(differences(text('a;b'), text('a;c')), ['value bytes.sha256'])
  assert.deepEqual(differences(text('a;b'), text('a;bb')), ['value bytes.length', 'value bytes.sha256'])
  assert.deepEqual(differences(json('{"a":1}'), json('{"a":1')), ['missing body', 'added bytes'])
})

test('a body that was too large to be kept leaves status and headers', () => {
  const large = comparableAnswer({ status: 200, headers: [['content-type', 'application/json']], body: 'too-large', atMs: NOW_MS })
  assert.deepEqual(differences(large, json({ a: 1 })), [])
  assert.deepEqual(differences(large, json({ a: 1 }, { status: 201 })), ['value status'])
})

test('a comparison looks at so much, and says when there was more', () => {
  const many = (value: number) => json(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}`, value])))
  const cut = compareAnswers(many(1), many(2), NO_KNOWLEDGE)
  assert.equal(cut.differences.length, 200)
  assert.equal(cut.isCutShort, true)
  const deep = json('['.repeat(500) + ']'.repeat(500))
  assert.equal(compareAnswers(deep, deep, NO_KNOWLEDGE).isCutShort, true)
})

test('property: an answer equals itself, however its keys are ordered, and no change of a scalar goes unseen', () => {
  const value = fc.jsonValue({ maxDepth: 4 })
  fc.assert(
    fc.property(value, (body) => {
      assert.deepEqual(differences(json({ body }), json({ body: reversed(body) })), [])
    }),
  )
  fc.assert(
    fc.property(value, fc.nat(), (body, pick) => {
      const [changed, path] = changedAt(body, pick)
      if (path === undefined) return
      assert.notDeepEqual(told(compareAnswers(json({ body }), json({ body: changed }), NO_KNOWLEDGE)), [])
    }),
  )
})

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  )
}

/** A copy in which one scalar is another. */
function changedAt(value: unknown, pick: number): readonly [unknown, string | undefined] {
  const scalars: { readonly holder: Record<string, unknown>; readonly key: string }[] = []
  const copy = { root: structuredClone(value) }
  const walk = (holder: Record<string, unknown>) => {
    for (const key of Object.keys(holder)) {
      const member = holder[key]
      if (member !== null && typeof member === 'object') walk(member as Record<string, unknown>)
      else scalars.push({ holder, key })
    }
  }
  walk(copy)
  const chosen = scalars[pick % Math.max(1, scalars.length)]
  if (chosen === undefined) return [copy.root, undefined]
  const before = chosen.holder[chosen.key]
  chosen.holder[chosen.key] =
    typeof before === 'number' ? before + 1 + Math.abs(before) : typeof before === 'string' ? `${before}!` : 'other'
  return [copy.root, chosen.key]
}
