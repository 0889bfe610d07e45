import type { HeaderLine } from './answer-headers.ts'
import type { ReceivedAnswer } from './answer.ts'

/** A request that asks for nothing to be changed (RFC 9110, section 9.2.1), and has no body. */
export interface SafeRequest {
  readonly method: 'GET' | 'HEAD'
  /** Path and query. */
  readonly target: string
  readonly headers: readonly HeaderLine[]
  /** What the client asked for by Host, for a side that gets that; undefined in HTTP/1.0 without it. */
  readonly host?: string
}

/** Puts a request to one side. @throws when there is no answer in time */
export type Ask = (request: SafeRequest, signal: AbortSignal) => Promise<ReceivedAnswer>

/** Says to whoever answers that no client will see it: no statistics of users, no side effects. */
export const SHADOW_HEADER = 'x-seaworthy-shadow'

/** What to do with a request that carries `Authorization` or `Cookie`. */
export type CredentialsRule =
  /** It is not mirrored: whoever may read this user's data is not decided by a comparison. */
  | 'skip'
  /** It is mirrored with them: both sides are trusted alike. */
  | 'forward'
  /** It is mirrored without: both sides are asked anew, as a stranger would. */
  | 'strip'

const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization'])

/**
 * What belongs to the client's own call, or would make the answer depend on it: nobody but the client may use its idempotency key, and
 * a conditional or partial answer cannot be compared with a whole one.
 */
const NOT_SENT: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-request-timeout-ms',
  SHADOW_HEADER,
])

/** Of a client's answer to such a request nothing can be said: it may be 304, or a part. */
const CONDITIONS: ReadonlySet<string> = new Set([
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
])

export type Mirroring =
  | { readonly mirrors: false; readonly reason: 'unsafe' | 'credentials' | 'shadow' }
  | {
      readonly mirrors: true
      readonly request: SafeRequest
      /** The answer that the client got is none to the request that is mirrored. */
      readonly needsFreshAnswer: boolean
    }

/** Whether a client's request is put to the other side as well, and in what form. Pure. */
export function mirroringOf(
  { method, target, headers, host }: Omit<SafeRequest, 'method'> & { readonly method: string },
  credentials: CredentialsRule,
): Mirroring {
  if (method !== 'GET' && method !== 'HEAD') return { mirrors: false, reason: 'unsafe' }
  const has = (names: ReadonlySet<string>) => headers.some(([name]) => names.has(name.toLowerCase()))
  // Two gateways behind each other would mirror without end.
  if (has(new Set([SHADOW_HEADER]))) return { mirrors: false, reason: 'shadow' }
  const hasCredentials = has(CREDENTIALS)
  if (hasCredentials && credentials === 'skip') return { mirrors: false, reason: 'credentials' }
  const isSent = (name: string) => !NOT_SENT.has(name) && (credentials === 'forward' || !CREDENTIALS.has(name))
  return {
    mirrors: true,
    request: {
      method,
      target,
      headers: [...headers.filter(([name]) => isSent(name.toLowerCase())), [SHADOW_HEADER, '1']],
      ...(host !== undefined && { host }),
    },
    needsFreshAnswer: has(CONDITIONS) || (hasCredentials && credentials === 'strip'),
  }
}
