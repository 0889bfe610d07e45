import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import { test } from 'node:test'
import { LogFormatter, readable } from '../src/log-lines.ts'

const record = (fields: object) =>
  JSON.stringify({ level: 'info', time: '2026-11-26T21:33:08.186Z', service: 'orders', instance: 'orders-1', ...fields })
const plain = (line: string) => stripVTControlCharacters(readable(line))

test('a record reads as time, level, message and what else it says', () => {
  assert.equal(plain(record({ httpPort: 1, msg: 'ready' })), '21:33:08.186 INFO  ready httpPort=1')
  assert.equal(plain(record({ level: 'warn', msg: 'late', why: { ms: 5 } })), '21:33:08.186 WARN  late why={"ms":5}')
})

test('what is no record of the logger stays as it is', () => {
  for (const line of ['plain text', '{"half', '[1]', 'null', '{"a":1}']) assert.equal(readable(line), line)
})

test('a stack is shown where something is broken, the message alone where it was expected', () => {
  const err = { type: 'UnavailableError', message: 'away', stack: 'UnavailableError: away\n    at x.ts:1' }
  assert.match(plain(record({ level: 'error', msg: 'failed', err })), /failed\n {4}UnavailableError: away\n {8}at x\.ts:1$/)
  assert.match(plain(record({ level: 'warn', msg: 'failed', err })), /failed\n {4}UnavailableError: away$/)
})

test('what was logged cannot write to the terminal', () => {
  const shown = readable(record({ msg: '\u001B[2Jgone', name: 'a\u0007\nb', err: { message: '\u009B31m' } }))
  assert.doesNotMatch(stripVTControlCharacters(shown).replaceAll('\n', ''), /\p{Cc}/u)
  assert.ok(shown.includes('\ufffd[2Jgone'))
})

test('lines come out whole, wherever the chunks are cut, also inside a character', () => {
  const bytes = Buffer.from(`${record({ msg: 'grüße' })}\nplain\nno end`)
  for (const size of [1, 7, bytes.length]) {
    const formatter = new LogFormatter()
    let shown = ''
    for (let from = 0; from < bytes.length; from += size) shown += formatter.format(bytes.subarray(from, from + size))
    shown += formatter.flush()
    assert.equal(stripVTControlCharacters(shown), '21:33:08.186 INFO  grüße\nplain\nno end\n')
  }
})
