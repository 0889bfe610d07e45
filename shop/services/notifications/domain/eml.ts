import type { Email } from './letter.ts'

const DOMAIN = 'shop.example'
const FROM = `The shop <orders@${DOMAIN}>`

/**
 * The e-mail as a file (RFC 5322 and 2045): text in quoted-printable, headers beyond ASCII as encoded words (RFC 2047). The message id comes from
 * the job, so that a mail server can tell a letter that was written twice.
 */
export function toEml(email: Email, options: { id: string; date: Date }): string {
  const headers = [
    `Date: ${options.date.toUTCString().replace('GMT', '+0000')}`,
    `From: ${FROM}`,
    `To: ${phrase(email.to.name)} <${addressOf(email.to.address)}>`,
    `Message-ID: <${token(options.id)}@${DOMAIN}>`,
    `Subject: ${encodedText(email.subject)}`,
    ...(email.orderId === undefined ? [] : [`X-Order-Id: ${token(email.orderId)}`]),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
  ]
  return `${headers.join('\r\n')}\r\n\r\n${quotedPrintable(email.text)}`
}

/** A name before an address: quoted when it is plain, encoded when it is not. Line breaks in it would begin a header of their own. */
function phrase(name: string): string {
  return /^[\x20-\x7e]*$/.test(name) ? `"${name.replaceAll(/["\\]/g, String.raw`\$&`)}"` : encodedText(name)
}

/** Whatever could end the angle brackets or the line is left out; the shop accepts no such address, an imported file might. */
function addressOf(address: string): string {
  return address.replaceAll(/[\s<>\p{Cc}]/gu, '')
}

function token(text: string): string {
  return text.replaceAll(/[^\w.-]/g, '_')
}

// An encoded word has at most 75 characters (RFC 2047, section 2): 45 bytes in base64 and what is around them.
const ENCODED_WORD_BYTES_MAX = 45

/** Plain text as it is; anything else as encoded words, cut between characters. */
function encodedText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  const words: string[] = []
  let word = ''
  for (const character of text) {
    if (Buffer.byteLength(word + character) > ENCODED_WORD_BYTES_MAX) {
      words.push(word)
      word = ''
    }
    word += character
  }
  words.push(word)
  return words.map((part) => `=?utf-8?B?${Buffer.from(part).toString('base64')}?=`).join('\r\n ')
}

const LINE_MAX = 76

/** RFC 2045, section 6.7. */
function quotedPrintable(text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => {
      let result = ''
      let column = 0
      const bytes = Buffer.from(line)
      for (const [index, byte] of bytes.entries()) {
        const isLast = index === bytes.length - 1
        const plain = (byte >= 0x21 && byte <= 0x7e && byte !== 0x3d) || (byte === 0x20 && !isLast)
        const unit = plain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
        // Room is kept for the "=" that says that the line goes on.
        if (column + unit.length > LINE_MAX - 1) {
          result += '=\r\n'
          column = 0
        }
        result += unit
        column += unit.length
      }
      return result
    })
    .join('\r\n')
}
