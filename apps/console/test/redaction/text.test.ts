import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { safeOtlp } from '../../src/redaction/otlp.ts'
import { commandAlone, withoutLiterals } from '../../src/redaction/sql.ts'
import { safeText } from '../../src/redaction/text.ts'
import { knownName, safeValue } from '../../src/redaction/attributes.ts'
import { RecentTexts } from '../../src/redaction/recent-texts.ts'

test('statements keep their shape and lose their literals', () => {
  const cases = [
    [
      `SELECT a1, "b" FROM t2 WHERE x = 'it''s' AND y IN (1, -2.5e3) AND z = $1`,
      'SELECT a1, "b" FROM t2 WHERE x = ? AND y IN (?, ?) AND z = $1',
    ],
    [`INSERT INTO t VALUES (0xFF, $q$a 'b' c$q$, 'unclosed`, 'INSERT INTO t VALUES (?, ?, ?'],
    ['SELECT 1 -- secret\nFROM t /* 2 */', 'SELECT ?  \nFROM t  '],
    ['UPDATE t SET a = ? WHERE b = :name AND c = @p1', 'UPDATE t SET a = ? WHERE b = :name AND c = @p1'],
  ] as const
  for (const [statement, bare] of cases) assert.equal(withoutLiterals(statement, 'postgresql'), bare)
  assert.equal(withoutLiterals('SELECT "x" FROM t', 'mysql'), 'SELECT ? FROM t')
})

test('commands of other databases keep what they do, and to what', () => {
  assert.equal(commandAlone('SET session:1 value EX 10'), 'SET session:1 ?')
  assert.equal(commandAlone('AUTH secret'), 'AUTH ?')
  assert.equal(commandAlone('PING'), 'PING')
  assert.equal(commandAlone('{"find":"users","filter":{"a":[1,2]}}'), '{"find":"?","filter":{"a":["?"]}}')
})

test('text that gives nothing away stays as it is', () => {
  for (const text of [
    'POST /api/checkout',
    'order 01a20875-8a09-751c-9df6-e18876b88142 completed',
    'connect ECONNREFUSED 127.0.0.1:5432',
    "Cannot read properties of undefined (reading 'id')",
    'is it over? yes',
    'a = b, c: d',
    'http://127.0.0.1:4000/api/traces/0af7651916cd43dd8448eb211c80319c',
    'inventory.v1.Inventory/Reserve',
    '[redacted]',
  ])
    assert.equal(safeText(text), text)
  assert.equal(safeValue(knownName('http.request.header.content-type'), 'application/json'), 'application/json')
})

test('queries lose their values, and fragments that hold some, behind whatever else stands there', () => {
  for (const [text, safe] of [
    ['GET /a/b?card=1&x=2 HTTP/1.1', 'GET /a/b?card=[redacted]&x=[redacted] HTTP/1.1'],
    ['/a?b=1\\/c?d=2', '/a?b=[redacted]\\/c?d=[redacted]'],
    ['what?see/http://h/p?token=1', 'what?see/http://h/p?token=[redacted]'],
    ['/a?b=1#c=2', '/a?b=[redacted]#[redacted]'],
    ['/a#b /c#d#e=1', '/a#b /c#[redacted]'],
    ['is it / or is it not ?x', 'is it / or is it not ?x'],
    ['/a? /b?', '/a? /b?'],
  ] as const)
    assert.equal(safeText(text), safe)
})

test('what is safe stays the same when it comes again: a trace that was exported and imported is not changed', () => {
  const pieces = fc.constantFrom(
    'https://u:p@h/x?q=1&r',
    'password=x',
    "SELECT * FROM t WHERE a='b' AND c=4",
    'Bearer abcdefghijk',
    'Key (a)=(b)',
    '/x#a=b',
    ' ',
    '"',
    "'",
    '=',
    '(',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 6 }), (parts) => {
      const once = safeText(parts.join(' '))
      assert.equal(safeText(once), once)
    }),
  )
})

test('no text makes it slow: a hundred thousand characters take no time to speak of', () => {
  // Of this process: a machine that does other things does not count.
  const startedUs = process.cpuUsage().user
  for (const part of ['/', '?', "'", '/a?', 'select ', '=(', '://', '$', '"', '-- ', '/* ', '1', '(', '#a', 'a=b&', 'insert into '])
    safeText(part.repeat(100_000 / part.length))
  // What is looked for only where something else is in the text, too.
  for (const [first, part] of [
    ['?', '/'],
    ['#', '/'],
    ['#', '/?'],
    ['/', '#'],
    ['?', 'AAAA/'],
    ['=', 'select '],
  ] as const)
    safeText(first + part.repeat(300_000 / part.length))
  const tookMs = (process.cpuUsage().user - startedUs) / 1_000
  assert.ok(tookMs < 5_000, `${tookMs} ms`)
})

test('what holds nothing to replace is handed back as the same object', () => {
  const span = { name: 'work', attributes: [{ key: 'a', value: { stringValue: 'b' } }], events: [{ name: 'e', attributes: [] }] }
  assert.equal(safeOtlp(span), span)
  const secret = { ...span, attributes: [{ key: 'password', value: { intValue: '5' } }] }
  assert.deepEqual(safeOtlp(secret).attributes, [{ key: 'password', value: { stringValue: '[redacted]' } }])
  assert.equal(secret.attributes[0]!.value.intValue, '5', 'what was given is not changed')
})

test('a text that was found harmless is known again, until ten thousand others came', () => {
  const texts = new RecentTexts()
  texts.add('first')
  texts.add('x'.repeat(101))
  assert.deepEqual([texts.has('first'), texts.has('second'), texts.has('x'.repeat(101))], [true, false, false])
  for (let index = 0; index < 4_999; index++) texts.add(`other ${index}`)
  assert.equal(texts.has('first'), true)
  for (let index = 0; index < 10_001; index++) texts.add(`another ${index}`)
  assert.deepEqual([texts.has('first'), texts.has('another 10000')], [false, true])
})

test('what is harmless is told from a secret each time, in whatever order they come', () => {
  for (let round = 0; round < 3; round++) {
    assert.equal(safeText('token of the realm'), 'token of the realm')
    assert.equal(safeText('token=of-the-realm'), 'token=[redacted]')
  }
})
