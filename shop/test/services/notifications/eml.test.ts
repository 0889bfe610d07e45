import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { toEml } from '../../../services/notifications/domain/eml.ts'
import { compose } from '../../../services/notifications/domain/letter.ts'

const recipient = { customerId: 'c1', name: 'Ada', email: 'ada@example.com' }
const options = { id: 'job-1', date: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)) }

function headersOf(eml: string): string {
  return eml.slice(0, eml.indexOf('\r\n\r\n'))
}

/** Undoes quoted-printable. */
function textOf(eml: string): string {
  const body = eml.slice(eml.indexOf('\r\n\r\n') + 4).replaceAll('=\r\n', '')
  const bytes = body.replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

describe('an e-mail file', () => {
  test('confirms an order with its lines, its total and its id in a header', () => {
    const letter = {
      kind: 'order-confirmation',
      customerId: 'c1',
      orderId: 'o-7',
      lines: [{ name: 'Café crème', quantity: 2, priceCents: 350 }],
      totalCents: 705,
    } as const
    const eml = toEml(compose(letter, recipient), options)
    assert.match(headersOf(eml), /^Message-ID: <job-1@shop\.example>$/m)
    assert.match(headersOf(eml), /^X-Order-Id: o-7$/m)
    assert.match(headersOf(eml), /^To: "Ada" <ada@example\.com>$/m)
    assert.match(headersOf(eml), /^Date: Fri, 02 Jan 2026 03:04:05 \+0000$/m)
    assert.match(textOf(eml), /2 × Café crème at 3\.50\r\n/)
    assert.match(textOf(eml), /Total: 7\.05\r\n/)
  })

  test('a name beyond ASCII becomes encoded words that decode to it', () => {
    const name = 'Zoë Müller-Łukasiewicz, 東京都千代田区の長い長い名前の会社'
    const eml = toEml({ to: { name, address: 'zoe@example.com' }, subject: 'x', text: '' }, options)
    const header = /^To: ([\s\S]*?) <zoe@example\.com>\r$/m.exec(headersOf(eml))?.[1] ?? ''
    const words = header.split('\r\n ')
    assert.ok(words.length > 1 && words.every((word) => word.length <= 75))
    assert.equal(words.map((word) => Buffer.from(word.replace('=?utf-8?B?', '').replace('?=', ''), 'base64').toString()).join(''), name)
  })

  test('a name or an address cannot add a header, whatever it holds', () => {
    const hostile = fc.string({ unit: fc.constantFrom('a', '\r', '\n', '"', '\\', '<', '>', ':', ' ', 'Bcc: x@y', 'é', '\u0085') })
    fc.assert(
      fc.property(hostile, hostile, hostile, (name, address, id) => {
        const lines = headersOf(toEml({ to: { name, address }, subject: name, text: 'x', orderId: id }, { ...options, id })).split('\r\n')
        const names = lines.filter((line) => !line.startsWith(' ')).map((line) => line.slice(0, line.indexOf(':')))
        assert.deepEqual(names, [
          'Date',
          'From',
          'To',
          'Message-ID',
          'Subject',
          'X-Order-Id',
          'MIME-Version',
          'Content-Type',
          'Content-Transfer-Encoding',
        ])
        assert.ok(lines.every((line) => !/[\r\n]/.test(line)))
      }),
    )
  })

  test('any text survives quoted-printable, in lines of at most 76 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const eml = toEml({ to: { name: 'A', address: 'a@example.com' }, subject: 's', text }, options)
        const expected = Buffer.from(text.replaceAll(/\r\n|\r|\n/g, '\r\n')).toString('utf8')
        assert.equal(textOf(eml), expected)
        for (const line of eml.slice(eml.indexOf('\r\n\r\n') + 4).split('\r\n')) assert.ok(line.length <= 76)
      }),
    )
  })
})
