import type { HeadParser, RequestHead, ResponseHead } from '../head.ts'
import { MalformedMessageError } from '../malformed.ts'
import { ACCEPT_FIELD, KEY_FIELD, newWebSocketKey, WEBSOCKET } from '../websocket.ts'

/**
 * Heads of HTTP/2 as they would be in HTTP/1.1, read by the parser for that: so that both are held to one grammar, and no field means one thing here and
 * another there. What HTTP/2 adds to the grammar (RFC 9113, section 8.2 and 8.3) is checked here, whether or not the library below has done it.
 */

/** Names and values in turns, as they came: a CRLF in a value would become a line of its own. */
type RawFields = readonly string[]

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const VALUE = /^(?![\t ])[\t\x20-\x7e\x80-\xff]*(?<![\t ])$/
// A request line has no other spaces than its own.
const VISIBLE = /^[!-~]+$/
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])
const LEFT_OUT: ReadonlySet<string> = new Set([...CONNECTION_SPECIFIC, 'http2-settings'])

interface Parts {
  readonly pseudo: ReadonlyMap<string, string>
  /** All other fields, each a line. */
  readonly lines: string
  readonly host: string | undefined
  readonly hasLength: boolean
}

/** @param ends it has no body. @throws MalformedMessageError */
export function requestHead(raw: RawFields, ends: boolean, parser: HeadParser): RequestHead {
  const { pseudo, lines, host, hasLength } = partsOf(raw, REQUEST_PSEUDO)
  const method = pseudo.get(':method') ?? ''
  const authority = pseudo.get(':authority')
  const protocol = pseudo.get(':protocol')
  if (protocol !== undefined && method !== 'CONNECT') throw new MalformedMessageError('a :protocol, but not the method CONNECT')
  if (protocol !== undefined && protocol !== WEBSOCKET) throw new MalformedMessageError('a :protocol other than websocket', 'protocol')
  const isWebSocket = protocol !== undefined
  const target = method === 'CONNECT' && !isWebSocket ? (authority ?? '') : pathOf(pseudo)
  if (!NAME.test(method.toLowerCase())) throw new MalformedMessageError('a :method that is none')
  if (!VISIBLE.test(target)) throw new MalformedMessageError('a :path that is none')
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase())
    throw new MalformedMessageError('one host in :authority and another in its Host header')
  const named = authority ?? host
  const hostLine = named === undefined ? '' : `host: ${named}\r\n`
  if (isWebSocket) {
    // What it says has no length, and whoever has said all of it already does not speak WebSocket.
    if (ends || hasLength) throw new MalformedMessageError('a WebSocket that has an end')
    return whole(parser.request(bytesOf(`GET ${target} HTTP/1.1\r\n${hostLine}${handshake(lines)}\r\n`), 0))
  }
  // A body of unknown length is, in HTTP/1.1, a chunked one.
  const framing = ends || hasLength ? '' : 'transfer-encoding: chunked\r\n'
  return whole(parser.request(bytesOf(`${method} ${target} HTTP/1.1\r\n${hostLine}${lines}${framing}\r\n`), 0))
}

/** Whether a request is an extended CONNECT (RFC 8441): what comes behind its head is of another protocol. */
export const opensTunnel = (raw: RawFields): boolean => raw.some((name, index) => index % 2 === 0 && name === ':protocol')

/** As HTTP/1.1 asks for a WebSocket. The key is the proxy's: the client's protocol has none, and one that it sends all the same says nothing. */
function handshake(lines: string): string {
  return `${withoutField(lines, KEY_FIELD)}connection: upgrade\r\nupgrade: ${WEBSOCKET}\r\n${KEY_FIELD}: ${newWebSocketKey()}\r\n`
}

/** @param isBodiless the answer has none whatever its fields say: to HEAD, or by its status. @throws MalformedMessageError */
export function responseHead(raw: RawFields, isBodiless: boolean, parser: HeadParser): ResponseHead {
  const { pseudo, lines, hasLength } = partsOf(raw, RESPONSE_PSEUDO)
  const framing = isBodiless || hasLength ? '' : 'transfer-encoding: chunked\r\n'
  return whole(parser.response(bytesOf(`HTTP/1.1 ${pseudo.get(':status') ?? ''} \r\n${lines}${framing}\r\n`), 0))
}

/** An answer to an extended CONNECT as the 101 that it stands for. @param lines what HTTP/1.1 says besides. @throws MalformedMessageError */
export function switchedHead(raw: RawFields, lines: string, parser: HeadParser): ResponseHead {
  const { lines: own } = partsOf(raw, RESPONSE_PSEUDO)
  return whole(parser.response(bytesOf(`HTTP/1.1 101 Switching Protocols\r\n${withoutField(own, ACCEPT_FIELD)}${lines}\r\n`), 0))
}

/** The lines of a trailer section, without those that have no business there. @throws MalformedMessageError */
export function trailerLines(raw: RawFields, parser: HeadParser): string {
  return whole(parser.trailers(bytesOf(`${partsOf(raw, NO_PSEUDO).lines}\r\n`), 0)).lines
}

const REQUEST_PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path', ':protocol'])
const RESPONSE_PSEUDO: ReadonlySet<string> = new Set([':status'])
const NO_PSEUDO: ReadonlySet<string> = new Set()

function pathOf(pseudo: ReadonlyMap<string, string>): string {
  const scheme = pseudo.get(':scheme')
  if (scheme !== 'http' && scheme !== 'https') throw new MalformedMessageError('a :scheme that is neither http nor https')
  const path = pseudo.get(':path') ?? ''
  // The absolute form is HTTP/1.1's, and would name a host once more.
  if (!path.startsWith('/') && path !== '*') throw new MalformedMessageError('a :path that does not begin with a slash')
  return path
}

function partsOf(raw: RawFields, known: ReadonlySet<string>): Parts {
  const pseudo = new Map<string, string>()
  const cookies: string[] = []
  let [lines, hasLength, isPseudoOver] = ['', false, false]
  let host: string | undefined
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!
    const value = raw[index + 1]!
    if (!VALUE.test(value)) throw new MalformedMessageError('a control, or white space at an end, in a field')
    if (name.startsWith(':')) {
      if (!known.has(name)) throw new MalformedMessageError('a pseudo-header field that is none')
      if (pseudo.has(name)) throw new MalformedMessageError(`${name} twice`)
      if (isPseudoOver) throw new MalformedMessageError(`${name} behind other fields`)
      pseudo.set(name, value)
      continue
    }
    isPseudoOver = true
    if (!NAME.test(name)) throw new MalformedMessageError('a byte in a field name that may not stand there')
    if (CONNECTION_SPECIFIC.has(name)) throw new MalformedMessageError(`the field ${name}, which HTTP/2 has not`)
    if (name === 'te' && value.toLowerCase() !== 'trailers') throw new MalformedMessageError('a TE other than trailers')
    if (name === 'host' && known === REQUEST_PSEUDO) {
      if (host !== undefined) throw new MalformedMessageError('more than one Host header')
      host = value
    } else if (name === 'cookie')
      // Split for the sake of compression; HTTP/1.1 knows one line (RFC 9113, section 8.2.3).
      cookies.push(value)
    else lines += `${name}: ${value}\r\n`
    if (name === 'content-length') hasLength = true
  }
  if (cookies.length > 0) lines += `cookie: ${cookies.join('; ')}\r\n`
  return { pseudo, lines, host, hasLength }
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')

function whole<T>(head: T | undefined): T {
  if (head === undefined) throw new MalformedMessageError('no end')
  return head
}

/** Field lines that passed the grammar as names and values in turns, the names in lower case. */
export function rawFields(lines: string): string[] {
  const fields: string[] = []
  for (let at = 0; at < lines.length;) {
    const end = lines.indexOf('\r\n', at)
    const colon = lines.indexOf(':', at)
    const name = lines.slice(at, colon).toLowerCase()
    if (!LEFT_OUT.has(name)) fields.push(name, valueAt(lines, colon + 1, end))
    at = end + 2
  }
  return fields
}

/** The lines without those of one field, named in lower case. */
export function withoutField(lines: string, name: string): string {
  let kept = ''
  for (let at = 0; at < lines.length;) {
    const end = lines.indexOf('\r\n', at) + 2
    if (lines.slice(at, lines.indexOf(':', at)).toLowerCase() !== name) kept += lines.slice(at, end)
    at = end
  }
  return kept
}

/** Without the white space around it: not by `trim`, which takes more than that off, nor by an expression, which may look at a run of it again and again. */
function valueAt(lines: string, start: number, end: number): string {
  const isSpace = (at: number) => lines[at] === ' ' || lines[at] === '\t'
  while (start < end && isSpace(start)) start++
  while (end > start && isSpace(end - 1)) end--
  return lines.slice(start, end)
}

/** The same by name, as trailers and interim answers are handed over. */
export function fieldsByName(lines: string): Record<string, string[]> {
  const fields: Record<string, string[]> = Object.create(null)
  const raw = rawFields(lines)
  for (let index = 0; index < raw.length; index += 2) (fields[raw[index]!] ??= []).push(raw[index + 1]!)
  return fields
}
