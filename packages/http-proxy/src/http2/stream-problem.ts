import { newId, SeaworthyError } from 'seaworthy/core'
import { problemAnswer } from '../problem.ts'

/** An answer of the proxy's own as a stream carries it. */
export interface StreamProblem {
  /** What it comes to in HTTP; gRPC has 200 on the wire whatever happened. */
  readonly status: number
  /** Names and values in turns. */
  readonly headers: string[]
  /** None for gRPC. */
  readonly body: string
}

export function streamProblem(
  error: unknown,
  { correlationId = newId(), isGrpc }: { correlationId?: string; isGrpc: boolean },
): StreamProblem {
  const { status, headers, body, executed } = problemAnswer(error, correlationId)
  if (!isGrpc) return { status, headers: [':status', String(status), ...headers], body }
  const typed = error instanceof SeaworthyError ? error : undefined
  const message = status === 500 || typed === undefined ? 'The proxy failed.' : typed.message
  const fields: Record<string, string> = {
    ':status': '200',
    'content-type': 'application/grpc',
    'grpc-status': String(GRPC_STATUS[typed?.code ?? ''] ?? INTERNAL),
    'grpc-message': percentEncoded(message),
    // As @seaworthy/rpc says it, so that its clients know whether they may try again.
    'seaworthy-executed': executed,
    'x-correlation-id': correlationId,
  }
  if (typed?.retryAfterMs !== undefined) fields['seaworthy-retry-after-ms'] = String(Math.ceil(typed.retryAfterMs))
  return { status, headers: Object.entries(fields).flat(), body: '' }
}

const INTERNAL = 13

/** By the code of the error; what they mean is gRPC's. */
const GRPC_STATUS: Readonly<Record<string, number>> = {
  'unknown-outcome': 2,
  'invalid-input': 3,
  timeout: 4,
  'limit-exceeded': 8,
  'bulkhead-full': 8,
  'rate-limited': 8,
  conflict: 10,
  // Of a path that no route has: such a method there is not.
  'not-found': 12,
  unavailable: 14,
  'broken-circuit': 14,
}

/** As gRPC over HTTP/2 wants `grpc-message`: visible ASCII but for `%`, anything else by its bytes in UTF-8. */
function percentEncoded(text: string): string {
  return Array.from(Buffer.from(text), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}
