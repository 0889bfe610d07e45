/** A request as an upstream reads it that takes nothing but the strict grammar: written apart from the proxy's own parser, so that one does not hide the other's mistakes. */
export interface ReadRequest {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  readonly trailers: string
}

export interface Reading {
  readonly requests: readonly ReadRequest[]
  /** What in the bytes another program could read in another way. */
  readonly flaw: string | undefined
  /** What is left and not yet a request. */
  readonly rest: string
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP\/(1\.[01])$/
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*((?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[\t ]*$/

/** Reads as many requests as there are. The text is bytes as latin1. */
export function readRequests(text: string): Reading {
  const requests: ReadRequest[] = []
  let rest = text
  for (;;) {
    const one = readOne(rest)
    if (typeof one === 'string') return { requests, flaw: one, rest }
    if (one === undefined) return { requests, flaw: undefined, rest }
    requests.push(one.request)
    rest = one.rest
  }
}

/** @returns the flaw, or undefined when the request is not there whole */
function readOne(received: string): { readonly request: ReadRequest; readonly rest: string } | string | undefined {
  // One empty line before a request line is forgiven (RFC 9112, section 2.2).
  const text = received.startsWith('\r\n') ? received.slice(2) : received
  const end = text.indexOf('\r\n\r\n')
  const head = end === -1 ? text : text.slice(0, end)
  if (/[^\r]\n|\r(?!\n|$)|\0/.test(head)) return 'a bare CR, a bare LF or a NUL'
  if (end === -1) return undefined
  const [line = '', ...lines] = head.split('\r\n')
  const [, method = '', target = '', version = ''] = REQUEST_LINE.exec(line) ?? []
  if (method === '') return `the request line ${JSON.stringify(line)}`
  const headers: [string, string][] = []
  for (const each of lines) {
    const field = FIELD.exec(each)
    if (field === null) return `the line ${JSON.stringify(each.slice(0, 60))}`
    headers.push([field[1]!.toLowerCase(), field[2]!])
  }
  const valuesOf = (name: string) => headers.flatMap(([each, value]) => (each === name ? [value] : []))
  if (valuesOf('host').length > 1) return 'two Hosts'
  const lengths = valuesOf('content-length')
  const codings = valuesOf('transfer-encoding')
  const after = text.slice(end + 4)
  const request = { method, target, version, headers }
  if (codings.length === 0) {
    if (lengths.length > 1) return 'two Content-Lengths'
    if (lengths.length === 1 && !/^\d+$/.test(lengths[0]!)) return `Content-Length: ${lengths[0]}`
    const bytes = Number(lengths[0] ?? 0)
    if (after.length < bytes) return undefined
    return { request: { ...request, body: after.slice(0, bytes), trailers: '' }, rest: after.slice(bytes) }
  }
  if (lengths.length > 0) return 'both Content-Length and Transfer-Encoding'
  if (version === '1.0') return 'Transfer-Encoding in HTTP/1.0'
  if (codings.length > 1 || codings[0]!.toLowerCase() !== 'chunked') return `Transfer-Encoding: ${codings.join(' and ')}`
  const body = readChunks(after)
  if (body === undefined || typeof body === 'string') return body
  return { request: { ...request, body: body.data, trailers: body.trailers }, rest: body.rest }
}

function readChunks(text: string): { readonly data: string; readonly trailers: string; readonly rest: string } | string | undefined {
  let data = ''
  let rest = text
  for (;;) {
    const size = /^([0-9A-Fa-f]{1,12})(;[\t\x20-\x7e\x80-\xff]*)?\r\n/.exec(rest)
    if (size === null)
      return /^[0-9A-Fa-f]{0,12}(;[\t\x20-\x7e\x80-\xff]*)?\r?$/.test(rest)
        ? undefined
        : `the chunk size ${JSON.stringify(rest.slice(0, 20))}`
    const bytes = Number.parseInt(size[1]!, 16)
    rest = rest.slice(size[0].length)
    if (bytes === 0) break
    if (rest.length < bytes + 2) return undefined
    if (rest.slice(bytes, bytes + 2) !== '\r\n') return 'a chunk that is not as long as its size'
    data += rest.slice(0, bytes)
    rest = rest.slice(bytes + 2)
  }
  if (rest.startsWith('\r\n')) return { data, trailers: '', rest: rest.slice(2) }
  const end = rest.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const lines = rest.slice(0, end).split('\r\n')
  if (!lines.every((line) => FIELD.test(line))) return 'a trailer that is no field'
  return { data, trailers: lines.join('\n'), rest: rest.slice(end + 4) }
}

/** The answers in what a client received: their statuses, in order. */
export function statusesIn(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.[01] (\d{3})/g)]
    .map(([, status]) => Number(status))
    .filter((status) => status >= 200 || status === 101)
}
