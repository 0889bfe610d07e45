import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { TextTable } from '../../src/otlp/text-table.ts'

function read(table: TextTable, text: string): string {
  // Something before it and behind it, as in a request.
  const bytes = Buffer.from(`<${text}>`, 'utf8')
  return table.read(bytes, 1, bytes.length - 1)
}

test('a text is read as it is, whatever came before it', () => {
  const table = new TextTable()
  const word = fc.oneof(
    fc.constantFrom('', 'http.route', 'é', 'Ã©', 'GET', '\u0000', '🙂', 'x'.repeat(64), 'x'.repeat(65)),
    fc.string(),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 50 }), (words) => {
      // Lone surrogates have no bytes.
      for (const each of words.map((text) => text.toWellFormed())) assert.equal(read(table, each), each)
    }),
  )
})

test('of many more texts than there are places each is read as it is', () => {
  const table = new TextTable()
  for (let round = 0; round < 2; round++)
    for (let index = 0; index < 20_000; index++) assert.equal(read(table, `text ${index}`), `text ${index}`)
})

test('bytes that are no UTF-8 read as the decoder of Node reads them', () => {
  const bytes = Buffer.from([0xc3, 0x28, 0xff])
  assert.equal(new TextTable().read(bytes, 0, 3), bytes.toString('utf8'))
})
