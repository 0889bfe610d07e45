import type { FastifyRequest } from 'fastify'
import { newId, SeaworthyError, UnavailableError } from 'seaworthy/core'
import { CONTEXT_HEADERS, errorAnswer, EXECUTED_HEADER, HttpProtocolError, PROBLEM_TYPE, titleOf } from 'seaworthy/http'

// Another instance may take the request at once; this one will soon be gone.
const DRAIN_RETRY_AFTER_MS = 100

export const draining = (): UnavailableError =>
  new UnavailableError('The server is draining and takes no new requests. Ask another instance, or this one once it is back.', {
    retryAfterMs: DRAIN_RETRY_AFTER_MS,
  })

export const unknownRoute = (request: FastifyRequest): HttpProtocolError =>
  new HttpProtocolError(404, `There is no ${request.method} ${pathOf(request)}.`)

export const methodNotAllowed = (request: FastifyRequest, allow: string): HttpProtocolError =>
  new HttpProtocolError(405, `${pathOf(request)} has no method ${request.method}. It has ${allow}.`, { headers: { allow } })

// RFC 9110, section 15.5.16: which codings would have been taken.
export const encoded = (): HttpProtocolError =>
  new HttpProtocolError(
    415,
    'The body is compressed, or encoded otherwise, and this server reads it as it comes. Send it without content-encoding.',
    {
      headers: { 'accept-encoding': 'identity' },
    },
  )

const PATH_LENGTH_MAX = 200

/** The path of a request, cut to what a message needs. */
export function pathOf(request: FastifyRequest): string {
  const path = request.url.split('?', 1)[0]!
  return path.length > PATH_LENGTH_MAX ? `${path.slice(0, PATH_LENGTH_MAX)}…` : path
}

/** What fastify says about a request that it could not read, in the caller's terms; undefined for any other error. */
export function unreadable(error: Error & { code?: unknown; statusCode?: number }): HttpProtocolError | undefined {
  const options = { cause: error }
  if (error instanceof SeaworthyError || typeof error.code !== 'string' || !error.code.startsWith('FST_')) {
    // JSON.parse and its guard against prototype pollution throw plain errors, to which fastify adds the status.
    return error instanceof SyntaxError && error.statusCode === 400
      ? new HttpProtocolError(400, 'The body is not valid JSON.', options)
      : undefined
  }
  switch (error.code) {
    case 'FST_ERR_BAD_URL':
      return new HttpProtocolError(400, 'The URL is not valid.', options)
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new HttpProtocolError(404, 'A part of the path is too long: nothing has such a name.', options)
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HttpProtocolError(413, 'The body is larger than this server takes.', { headers: { connection: 'close' }, ...options })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpProtocolError(415, 'The body has to be JSON, with content-type application/json.', options)
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new HttpProtocolError(400, 'The body is not valid JSON.', options)
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new HttpProtocolError(400, 'The body is empty, but content-type promises JSON.', options)
    default: {
      const status = error.statusCode ?? 500
      return status >= 400 && status < 500 ? new HttpProtocolError(status, 'The request cannot be read.', options) : undefined
    }
  }
}

/** The whole answer to bytes that Node's parser cannot read as a request, ready for the socket. */
export function malformedAnswer(parserError: NodeJS.ErrnoException): string {
  const status = parserError.code === 'HPE_HEADER_OVERFLOW' ? 431 : parserError.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const correlationId = newId()
  const answer = errorAnswer(new HttpProtocolError(status, 'The bytes received are no complete HTTP request.'), correlationId)
  const body = JSON.stringify(answer.problem)
  return (
    `HTTP/1.1 ${status} ${titleOf(status)}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
    `${CONTEXT_HEADERS.correlationId}: ${correlationId}\r\n${EXECUTED_HEADER}: no\r\nconnection: close\r\n\r\n${body}`
  )
}
