import { COLON, CR, FIELD_VALUE, HTAB, LF, SP, TOKEN } from './grammar.ts'
import { MalformedMessageError } from './malformed.ts'

/** The bytes end before the section does. */
export const INCOMPLETE = -1

const PARTS = 4

/**
 * Where the fields of a header or trailer section stand in its bytes. It is filled anew by each scan, so that a head costs no
 * allocation for each of its fields.
 */
export class FieldSection {
  readonly #at: Int32Array
  readonly #fieldsMax: number
  count = 0

  constructor(fieldsMax: number) {
    this.#fieldsMax = fieldsMax
    this.#at = new Int32Array(fieldsMax * PARTS)
  }

  nameStart(field: number): number {
    return this.#at[field * PARTS]!
  }

  nameEnd(field: number): number {
    return this.#at[field * PARTS + 1]!
  }

  /** Without the white space around the value. */
  valueStart(field: number): number {
    return this.#at[field * PARTS + 2]!
  }

  valueEnd(field: number): number {
    return this.#at[field * PARTS + 3]!
  }

  /** Where the line of the next field, or the empty line, begins. */
  lineEnd(field: number, end: number): number {
    return field + 1 < this.count ? this.nameStart(field + 1) : end
  }

  /**
   * Reads field lines up to and with the empty line (RFC 9112, section 5): no white space before the colon, no folded line, no
   * line that ends in a bare LF, no byte in a value that is a control.
   * @returns the index after the empty line, or {@link INCOMPLETE}
   * @throws MalformedMessageError as soon as a byte breaks the grammar, also in a section that is not there whole
   */
  scan(bytes: Uint8Array, start: number): number {
    const end = bytes.length
    const spans = this.#at
    let at = start
    this.count = 0
    for (;;) {
      if (at >= end) return INCOMPLETE
      if (bytes[at] === CR) {
        if (at + 1 >= end) return INCOMPLETE
        if (bytes[at + 1] !== LF) throw new MalformedMessageError('a CR without LF')
        return at + 2
      }
      const nameStart = at
      while (at < end && TOKEN[bytes[at]!] === 1) at++
      if (at >= end) return INCOMPLETE
      if (bytes[at] !== COLON || at === nameStart) throw new MalformedMessageError(whyNoName(bytes[at]!, at === nameStart))
      const nameEnd = at++
      while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++
      const valueStart = at
      while (at < end && FIELD_VALUE[bytes[at]!] === 1) at++
      if (at >= end) return INCOMPLETE
      if (bytes[at] !== CR) throw new MalformedMessageError(bytes[at] === LF ? 'a line that ends in a bare LF' : 'a control in a field')
      if (at + 1 >= end) return INCOMPLETE
      if (bytes[at + 1] !== LF) throw new MalformedMessageError('a CR without LF')
      if (this.count >= this.#fieldsMax) throw new MalformedMessageError(`more than ${this.#fieldsMax} fields`, 'fields')
      let valueEnd = at
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--
      const slot = this.count++ * PARTS
      spans[slot] = nameStart
      spans[slot + 1] = nameEnd
      spans[slot + 2] = valueStart
      spans[slot + 3] = valueEnd
      at += 2
    }
  }
}

function whyNoName(byte: number, isFirst: boolean): string {
  if (byte === LF) return 'a line that ends in a bare LF'
  if (byte === SP || byte === HTAB) return isFirst ? 'a folded line' : 'white space before a colon'
  return byte === COLON ? 'a field without a name' : 'a byte in a field name that may not stand there'
}
