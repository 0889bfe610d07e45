/** Classes of bytes, as tables: one look-up a byte, no regular expression on what a client sends. */

const tableOf = (isIn: (byte: number) => boolean): Uint8Array => Uint8Array.from({ length: 256 }, (_, byte) => (isIn(byte) ? 1 : 0))
const isAlphanumeric = (byte: number) => /[A-Za-z0-9]/.test(String.fromCharCode(byte))

/** `tchar` of RFC 9110, section 5.6.2: what methods and field names are made of. */
export const TOKEN = tableOf((byte) => isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(byte)))

/** `field-vchar`, SP and HTAB of RFC 9110, section 5.5; bytes from 0x80 on are `obs-text`, and opaque. */
export const FIELD_VALUE = tableOf((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f))

/** Visible ASCII: what a request target may hold (RFC 9112, section 3.2). Which of it a path may hold, the router decides. */
export const TARGET = tableOf((byte) => byte > 0x20 && byte < 0x7f)

/** Value of a hexadecimal digit; 255 for any other byte. */
export const HEX = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = String.fromCharCode(byte)
  return /[0-9A-Fa-f]/.test(digit) ? Number.parseInt(digit, 16) : 255
})

/** Lower case, and `-` for `_`: two names that a program behind may take for one look the same. */
export const FOLDED = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x41 && byte <= 0x5a) return byte + 0x20
  return byte === 0x5f ? 0x2d : byte
})

export const CR = 0x0d
export const LF = 0x0a
export const SP = 0x20
export const HTAB = 0x09
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const UNDERSCORE = 0x5f
