import { FieldSection, INCOMPLETE } from './field-section.ts'
import { CR, LF, SP, TARGET, TOKEN } from './grammar.ts'
import { answerFieldAt, fieldAt, fieldId, type KnownField, UNKNOWN } from './known-fields.ts'
import { MalformedMessageError } from './malformed.ts'

export interface HeadLimits {
  /** Start line and fields together. */
  readonly headerBytesMax: number
  readonly headersMax: number
}

/** The fields of a head: what the proxy reads, parsed out, and the rest as the raw lines that passed the grammar. */
export class Fields {
  // By the number of the known field.
  readonly #values: (string | undefined)[] = []
  #repeated = 0
  /** Every other field line, each with its CRLF, byte for byte (as latin1) and in order. */
  endToEnd = ''

  /** Repeated lines are joined by a comma (RFC 9110, section 5.3). */
  get(name: KnownField): string | undefined {
    return this.#values[fieldId(name)]
  }

  isRepeated(name: KnownField): boolean {
    return (this.#repeated & (1 << fieldId(name))) !== 0
  }

  /** @internal */
  add(id: number, value: string): void {
    const before = this.#values[id]
    if (before !== undefined) this.#repeated |= 1 << id
    this.#values[id] = before === undefined ? value : `${before}, ${value}`
  }
}

export interface RequestHead {
  readonly method: string
  readonly target: string
  /** Of HTTP/1.x. */
  readonly minorVersion: 0 | 1
  readonly fields: Fields
  /** The index of the first byte after the head. */
  readonly next: number
}

export interface ResponseHead {
  readonly status: number
  /** What stood behind the status, if anything did. */
  readonly reason: string
  readonly minorVersion: 0 | 1
  readonly fields: Fields
  readonly next: number
}

// Named in Connection, they ask for nothing that is not done anyway.
const USUAL_OPTIONS = /^[\t ,]*(?:(?:close|keep-alive|upgrade|te)(?:[\t ]*,[\t ,]*|$))*$/i

/** Reads heads of HTTP/1.0 and 1.1 messages by the grammar of RFC 9112, and nothing besides. One serves all connections of a proxy. */
export class HeadParser {
  readonly #limits: HeadLimits
  readonly #section: FieldSection

  constructor(limits: HeadLimits) {
    this.#limits = limits
    this.#section = new FieldSection(limits.headersMax)
  }

  /**
   * @returns undefined when the bytes end before the head does
   * @throws MalformedMessageError
   */
  request(bytes: Buffer, start: number): RequestHead | undefined {
    let at = start
    // One empty line before a request line is forgiven (RFC 9112, section 2.2).
    if (bytes[at] === CR && (at + 1 >= bytes.length || bytes[at + 1] === LF)) at += 2
    const methodStart = at
    while (at < bytes.length && TOKEN[bytes[at]!] === 1) at++
    if (at >= bytes.length) return this.#incomplete(bytes, start)
    if (bytes[at] !== SP || at === methodStart) throw new MalformedMessageError('no method at its beginning')
    const targetStart = ++at
    while (at < bytes.length && TARGET[bytes[at]!] === 1) at++
    if (at >= bytes.length) return this.#incomplete(bytes, start)
    if (bytes[at] !== SP || at === targetStart) throw new MalformedMessageError('no target behind its method')
    const targetEnd = at++
    const minorVersion = versionAt(bytes, at)
    if (minorVersion === undefined) return this.#incomplete(bytes, start)
    at += VERSION_LENGTH
    if (at < bytes.length && bytes[at] !== CR) throw new MalformedMessageError('something behind its version')
    if (at + 1 >= bytes.length) return this.#incomplete(bytes, start)
    if (bytes[at + 1] !== LF) throw new MalformedMessageError('a CR without LF')
    const fieldsStart = at + 2
    const next = this.#scan(bytes, fieldsStart, start)
    if (next === INCOMPLETE) return undefined
    return {
      method: bytes.toString('latin1', methodStart, targetStart - 1),
      target: bytes.toString('latin1', targetStart, targetEnd),
      minorVersion,
      fields: this.#fields(bytes, fieldsStart, next, fieldAt),
      next,
    }
  }

  /** The same for an answer. */
  response(bytes: Buffer, start: number): ResponseHead | undefined {
    const minorVersion = versionAt(bytes, start)
    if (minorVersion === undefined) return this.#incomplete(bytes, start)
    let at = start + VERSION_LENGTH
    if (bytes.length < at + 5) return this.#incomplete(bytes, start)
    const status = statusAt(bytes, at)
    at += 4
    // Servers leave the space out when there is no reason behind it.
    const reasonStart = bytes[at] === SP ? at + 1 : at
    if (reasonStart === at && bytes[at] !== CR) throw new MalformedMessageError('something behind its status')
    const reasonEnd = bytes.indexOf(CR, reasonStart)
    if (reasonEnd === -1 || reasonEnd + 1 >= bytes.length) return this.#incomplete(bytes, start)
    if (bytes[reasonEnd + 1] !== LF) throw new MalformedMessageError('a CR without LF')
    const reason = bytes.toString('latin1', reasonStart, reasonEnd)
    if (!REASON.test(reason)) throw new MalformedMessageError('a control in its status line')
    const next = this.#scan(bytes, reasonEnd + 2, start)
    if (next === INCOMPLETE) return undefined
    return { status, reason, minorVersion, fields: this.#fields(bytes, reasonEnd + 2, next, answerFieldAt), next }
  }

  /**
   * Reads a trailer section. What the proxy reads or writes has no business there (RFC 9110, section 6.5.1) and is left out.
   * @returns the other lines and the index behind the section, or undefined when it is not there whole
   */
  trailers(bytes: Buffer, start: number): { readonly lines: string; readonly next: number } | undefined {
    const next = this.#scan(bytes, start, start)
    if (next === INCOMPLETE) return undefined
    return { lines: this.#fields(bytes, start, next, fieldAt).endToEnd, next }
  }

  #scan(bytes: Buffer, fieldsStart: number, start: number): number {
    const next = this.#section.scan(bytes, fieldsStart)
    if (next === INCOMPLETE) this.#incomplete(bytes, start)
    else if (next - start > this.#limits.headerBytesMax) this.#tooLarge()
    return next
  }

  #incomplete(bytes: Buffer, start: number): undefined {
    if (bytes.length - start > this.#limits.headerBytesMax) this.#tooLarge()
  }

  #tooLarge(): never {
    throw new MalformedMessageError(`more than ${this.#limits.headerBytesMax} bytes before its body`, 'size')
  }

  #fields(bytes: Buffer, start: number, next: number, idAt: typeof fieldAt): Fields {
    const section = this.#section
    const fields = new Fields()
    const end = next - 2
    let kept = ''
    let runStart = start
    for (let field = 0; field < section.count; field++) {
      const nameStart = section.nameStart(field)
      const id = idAt(bytes, nameStart, section.nameEnd(field))
      if (id === UNKNOWN) continue
      if (nameStart > runStart) kept += bytes.toString('latin1', runStart, nameStart)
      runStart = section.lineEnd(field, end)
      if (id >= 0) fields.add(id, bytes.toString('latin1', section.valueStart(field), section.valueEnd(field)))
    }
    if (end > runStart) kept += bytes.toString('latin1', runStart, end)
    fields.endToEnd = kept
    const connection = fields.get('connection')
    if (connection !== undefined && kept !== '' && !USUAL_OPTIONS.test(connection)) fields.endToEnd = withoutNamed(kept, connection)
    return fields
  }
}

const REASON = /^[\t\x20-\x7e\x80-\xff]*$/
const HTTP_1 = Uint8Array.from('HTTP/1.', (character) => character.charCodeAt(0))
const VERSION_LENGTH = 8

/** @returns the minor version of HTTP/1.x, or undefined when the bytes end before it */
function versionAt(bytes: Uint8Array, start: number): 0 | 1 | undefined {
  for (let index = 0; index < VERSION_LENGTH; index++) {
    const byte = bytes[start + index]
    if (byte === undefined) return undefined
    if (index < HTTP_1.length) {
      // HTTP/2.0 is a version, and none of ours.
      if (byte !== HTTP_1[index])
        throw new MalformedMessageError('no HTTP/1.x as its version', index === 5 && byte >= 0x30 && byte <= 0x39 ? 'version' : 'grammar')
    } else if (byte !== 0x30 && byte !== 0x31) throw new MalformedMessageError('a version other than HTTP/1.0 and HTTP/1.1', 'version')
  }
  return bytes[start + VERSION_LENGTH - 1] === 0x30 ? 0 : 1
}

function statusAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== SP) throw new MalformedMessageError('no status')
  let status = 0
  for (let index = 1; index <= 3; index++) {
    const digit = bytes[at + index]! - 0x30
    if (digit < 0 || digit > 9) throw new MalformedMessageError('a status that is no three digits')
    status = status * 10 + digit
  }
  if (status < 100 || status > 599) throw new MalformedMessageError('a status outside 100 to 599')
  return status
}

/** Takes out the fields that are the sender's to this connection alone, because Connection names them (RFC 9110, section 7.6.1). */
function withoutNamed(lines: string, connection: string): string {
  const named = new Set(connection.split(',').map((name) => name.trim().toLowerCase()))
  return lines.replaceAll(/([^:\r\n]+):[^\r]*\r\n/g, (line, name: string) => (named.has(name.toLowerCase()) ? '' : line))
}

/** The values of a list field, in lower case. */
export function optionsOf(list: string | undefined): readonly string[] {
  return list === undefined
    ? []
    : list
        .toLowerCase()
        .split(',')
        .map((option) => option.trim())
}
