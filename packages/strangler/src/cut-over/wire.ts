import { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { InvalidInputError, LimitExceededError, NotFoundError, RejectedError } from 'seaworthy/core'
import { PROBLEM_TYPE, errorAnswer, hasBearerToken } from 'seaworthy/http'

/** What JSON has no word for, as an object with one field that no row has. */
const BIGINT = '$bigint'
const BYTES = '$bytes'
const BODY_BYTES_MAX = 64 << 20

export function encode(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'bigint') return { [BIGINT]: inner.toString() }
    // Buffer has a toJSON of its own, which has run by now.
    if (inner instanceof Uint8Array) return { [BYTES]: Buffer.from(inner.buffer, inner.byteOffset, inner.byteLength).toString('base64') }
    if (isBufferJson(inner)) return { [BYTES]: Buffer.from(inner.data).toString('base64') }
    return inner
  })
}

export function decode(text: string): unknown {
  return JSON.parse(text, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null) return inner
    if (BIGINT in inner && typeof inner[BIGINT] === 'string') return BigInt(inner[BIGINT])
    if (BYTES in inner && typeof inner[BYTES] === 'string') return new Uint8Array(Buffer.from(inner[BYTES], 'base64'))
    return inner
  })
}

function isBufferJson(value: unknown): value is { readonly data: readonly number[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'Buffer' &&
    'data' in value &&
    Array.isArray(value.data)
  )
}

/** A request as the operations see it. */
export interface Asked {
  readonly query: URLSearchParams
  readonly body: unknown
}

export type Operations = Readonly<Record<string, (asked: Asked) => Promise<unknown>>>

/**
 * Answers `METHOD /path` by name, in JSON. For a port that only the system's own processes reach.
 * @param token what a caller shows as `authorization: Bearer`
 * @param open what is answered without
 */
export function jsonListener(operations: Operations, token: string, open: ReadonlySet<string> = new Set()): RequestListener {
  return (request, response) => {
    void answer(request, { operations, token, open }).then(
      (value) => send(response, 200, 'application/json', encode(value ?? null)),
      (error: unknown) => {
        const { status, problem, headers } = errorAnswer(error)
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
        send(response, isRefusedToken(error) ? 401 : status, PROBLEM_TYPE, JSON.stringify(problem))
      },
    )
  }
}

interface Answering {
  readonly operations: Operations
  readonly token: string
  readonly open: ReadonlySet<string>
}

async function answer(request: IncomingMessage, { operations, token, open }: Answering): Promise<unknown> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://cut-over')
  const asked = `${request.method} ${pathname}`
  if (!open.has(asked) && !hasBearerToken(request.headers.authorization, token)) {
    throw new RejectedError('unauthorized', 'This needs the header authorization: Bearer TOKEN.')
  }
  const operation = operations[asked]
  if (operation === undefined) throw new NotFoundError(`There is no ${asked}. There are: ${Object.keys(operations).join(', ')}.`)
  // Not before: nobody without the token makes this process keep what they send.
  return operation({ query: searchParams, body: await readBody(request) })
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX)
      throw new LimitExceededError(`A body of more than ${BODY_BYTES_MAX} bytes. Lower batchKeysMax.`, { final: true })
    chunks.push(chunk)
  }
  if (bytes === 0) return {}
  try {
    return decode(Buffer.concat(chunks).toString('utf8'))
  } catch (cause) {
    throw new InvalidInputError('The body is not JSON.', [], { cause })
  }
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text)
}

function isRefusedToken(error: unknown): boolean {
  return error instanceof RejectedError && error.reason === 'unauthorized'
}
