/**
 * HTTP: what a call is on this wire, for whoever speaks it: clients, servers, and the integrations of frameworks.
 *
 * The problem: HTTP has a status where a caller needs to know whether the work was done, and neither a deadline nor a cancellation.
 * The guarantee: the context of a call crosses in headers that are checked when they arrive; a failure crosses as Problem Details
 * (RFC 9457) with what is known about the effect; what has no such answer is judged by its method, its status and how its connection failed.
 * Not promised: nothing here sends or receives. A server that is not ours says `maybe` more often than it would need to.
 */
export { hasBearerToken, isSameSecret } from './bearer-token.ts'
export { CONTEXT_HEADERS, contextHeaders, type HeaderLookup, readContext, readIdempotencyKey } from './context.ts'
export { clientLeft, IncomingCall } from './incoming-call.ts'
export { connectionFailure, FailedAnswerError, isFailedStatus, isIdempotentMethod } from './outgoing-call.ts'
export { BadAnswerError, RemoteFailureError } from './errors.ts'
export {
  errorFrom,
  executedFrom,
  type Failure,
  FAILURE_CODES,
  type FailureCode,
  failureCodeFrom,
  failureOf,
  fieldsFrom,
  messageOf,
} from './failure.ts'
export {
  errorAnswer,
  type ErrorAnswer,
  errorFromAnswer,
  EXECUTED_HEADER,
  HttpProtocolError,
  isInternal,
  missingIdempotencyKey,
  type Problem,
  PROBLEM_TYPE,
  type ReceivedError,
  TIMEOUT_HEADER,
  titleOf,
} from './problem-details.ts'
