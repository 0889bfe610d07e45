import { InvalidInputError } from 'seaworthy/core'
import type { RequestHead, ResponseHead } from './head.ts'
import { MalformedMessageError } from './malformed.ts'
import { RefusedRequestError } from './problem.ts'

/** How a body is delimited. It is written anew on the other side, so that both read the same. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** By the end of the connection: an answer of a server that knows no better. */
  | { readonly kind: 'close' }

const NONE: Framing = { kind: 'none' }
const CHUNKED: Framing = { kind: 'chunked' }
const CLOSE: Framing = { kind: 'close' }

// Fifteen digits are below 2^53: exact, and more than anybody sends.
const LENGTH = /^\d{1,15}$/

/**
 * The framing of a request (RFC 9112, section 6.3). What two programs could read in two ways is refused.
 * @throws InvalidInputError, RefusedRequestError
 */
export function requestFraming({ fields, minorVersion }: RequestHead): Framing {
  const coding = fields.get('transfer-encoding')
  const length = fields.get('content-length')
  if (coding !== undefined) {
    if (minorVersion === 0) throw new InvalidInputError('HTTP/1.0 has no Transfer-Encoding.')
    if (length !== undefined) throw new InvalidInputError('The request has both Content-Length and Transfer-Encoding.')
    if (fields.isRepeated('transfer-encoding')) throw new InvalidInputError('The request has more than one Transfer-Encoding.')
    if (coding.toLowerCase() !== 'chunked') throw new RefusedRequestError(501, 'The only Transfer-Encoding that is taken is chunked.')
    return CHUNKED
  }
  if (length === undefined) return NONE
  if (fields.isRepeated('content-length')) throw new InvalidInputError('The request has more than one Content-Length.')
  if (!LENGTH.test(length)) throw new InvalidInputError('The Content-Length is no whole number of bytes.')
  return { kind: 'length', bytes: Number(length) }
}

/** The framing of an answer to a request of that method (RFC 9112, section 6.3). @throws MalformedMessageError */
export function responseFraming({ fields, minorVersion, status }: ResponseHead, method: string): Framing {
  const coding = fields.get('transfer-encoding')
  const length = fields.get('content-length')
  if (length !== undefined && (fields.isRepeated('content-length') || !LENGTH.test(length)))
    throw new MalformedMessageError('a Content-Length that is no single number')
  if (coding !== undefined) {
    if (length !== undefined) throw new MalformedMessageError('both Content-Length and Transfer-Encoding')
    if (minorVersion === 0) throw new MalformedMessageError('a Transfer-Encoding in HTTP/1.0')
    if (coding.toLowerCase() !== 'chunked') throw new MalformedMessageError('a Transfer-Encoding other than chunked')
  }
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return NONE
  if (coding !== undefined) return CHUNKED
  return length === undefined ? CLOSE : { kind: 'length', bytes: Number(length) }
}
