import { newId } from 'seaworthy/core'
import type { Admission } from './admission.ts'
import { problemAnswer, rawProblem } from './problem.ts'

/** What an answer of the proxy's own depends on. */
export type AnsweredRequest = Pick<Admission, 'method' | 'keepAlive' | 'expectsContinue'> & { readonly correlationId: string }

export interface Step {
  /** Where the body of the request ends, nobody can tell any more. */
  readonly isOutOfStep: boolean
  readonly bodyEnded: boolean
  readonly mayKeepAlive: boolean
}

const BREAKS_CONNECTION: ReadonlySet<number> = new Set([400, 405, 408, 417, 431, 501, 505])

/** The answer to a request that no upstream answered, or to bytes that are none. */
export function ownAnswer(
  error: unknown,
  request: AnsweredRequest | undefined,
  { isOutOfStep, bodyEnded, mayKeepAlive }: Step,
): { readonly status: number; readonly closes: boolean; readonly text: string } {
  const correlationId = request?.correlationId ?? newId()
  const { status } = problemAnswer(error, correlationId)
  // A client that was not told to continue may or may not send its body now; only a new connection is sure to be in step.
  // Nor is one whose bytes could be read in two ways.
  const closes =
    request === undefined ||
    !request.keepAlive ||
    !mayKeepAlive ||
    isOutOfStep ||
    BREAKS_CONNECTION.has(status) ||
    (request.expectsContinue && !bodyEnded)
  return { status, closes, text: rawProblem(error, { correlationId, closes, omitsBody: request?.method === 'HEAD' }) }
}
