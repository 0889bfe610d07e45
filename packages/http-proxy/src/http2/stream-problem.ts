import { newId } from 'seaworthy/core'
import { problemAnswer } from '../problem.ts'
import type { ServedRequest } from '../served-request.ts'

/** An answer of the proxy's own as a stream carries it: names and values in turns, and the body. */
export function streamProblem(
  error: unknown,
  request: ServedRequest | undefined,
): { readonly status: number; readonly headers: string[]; readonly body: string } {
  const { status, headers, body } = problemAnswer(error, request?.context.correlationId ?? newId())
  return { status, headers: [':status', String(status), ...headers], body }
}
