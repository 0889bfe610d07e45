// Names, and nearly all values that come again, are shorter.
const BYTES_MAX = 64
const PLACES = 4_096

/**
 * Texts that came before, found by their bytes: of the twenty texts of a span all but a few were in the one before it, and are neither decoded nor hashed again. Each hash
 * has one place, so that the memory is bounded: a text takes the place of the one that was there.
 */
export class TextTable {
  readonly #texts: string[] = Array.from({ length: PLACES }, () => '')

  /** The text that these bytes are in UTF-8. */
  read(bytes: Buffer, start: number, end: number): string {
    if (end - start > BYTES_MAX) return bytes.toString('utf8', start, end)
    // FNV-1a.
    let hash = 0x811c9dc5
    let bits = 0
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      bits |= byte
      hash = Math.imul(hash ^ byte, 0x01000193)
    }
    // Beyond ASCII a text's characters are not its bytes, and could not be compared with them.
    if (bits >= 0x80) return bytes.toString('utf8', start, end)
    const place = (hash ^ (hash >>> 16)) & (PLACES - 1)
    const known = this.#texts[place]!
    if (isText(known, bytes, start, end)) return known
    const text = bytes.toString('latin1', start, end)
    this.#texts[place] = text
    return text
  }
}

function isText(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) !== bytes[start + index]) return false
  return true
}
