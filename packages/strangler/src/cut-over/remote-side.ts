import type { RequestListener } from 'node:http'
import { TimeoutError } from 'seaworthy/core'
import { connectionFailure, errorFromAnswer } from 'seaworthy/http'
import type { Side } from './side.ts'
import { type Asked, type Operations, decode, encode, jsonListener } from './wire.ts'

const METHODS: readonly (keyof Side)[] = [
  'state',
  'take',
  'head',
  'changes',
  'lag',
  'trim',
  'strays',
  'scan',
  'read',
  'apply',
  'setAside',
  'verified',
  'unsent',
  'publish',
]

/**
 * Serves a side from the process that owns its database, on `POST /METHOD`. Put it on a port, or below a path, that only the system's own processes
 * reach: it writes rows.
 */
export function serveSide(side: Side, options: { readonly token: string }): RequestListener {
  const operations = METHODS.map((method): [string, Operations[string]] => [
    `POST /${method}`,
    ({ body }: Asked) => (side[method] as (request: never) => Promise<unknown>).call(side, body as never),
  ])
  return jsonListener(Object.fromEntries(operations), options.token)
}

export interface RemoteSideOptions {
  /** Where {@link serveSide} listens, as in `http://127.0.0.1:7001`. */
  readonly url: string
  readonly token: string
  /** For one answer. Default 5,000. */
  readonly timeoutMs?: number
}

/** A side that another process serves. Every error says what is known about the effect; a batch or step that may have taken effect is found out about by its revision or epoch. */
export function remoteSide({ url, token, timeoutMs = 5_000 }: RemoteSideOptions): Side {
  const base = url.endsWith('/') ? url : `${url}/`
  const ask = async (method: keyof Side, request: object) => {
    const what = `${method} of ${url}`
    const response = await fetch(new URL(method, base), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: encode(request),
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((error: unknown) => {
      throw error instanceof DOMException && error.name === 'TimeoutError'
        ? new TimeoutError(`${what} did not answer within ${timeoutMs} ms.`, timeoutMs)
        : connectionFailure(what, codeOf(error), error)
    })
    const text = await response.text()
    if (response.ok) return decode(text)
    throw errorFromAnswer({ status: response.status, header: (name) => response.headers.get(name) ?? undefined, body: parsed(text), what })
  }
  return Object.fromEntries(METHODS.map((method) => [method, (request: object) => ask(method, request)])) as unknown as Side
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the system or undici says of why a connection failed. */
function codeOf(error: unknown): string | undefined {
  const cause: unknown = error instanceof Error ? error.cause : undefined
  return typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
}
