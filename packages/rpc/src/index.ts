/**
 * One contract, several wires.
 *
 * The problem: a call crosses a process with its headers, but its deadline, its correlation and the meaning of its failure get lost on the way.
 * The guarantee: on every wire the same call context arrives, the same typed errors come back, and each says what is known about the effect.
 * Not promised: that an answer arrives. A call ends done, failed or unknown.
 *
 * The wires have entries of their own, so that a process loads only what it speaks: `@seaworthy/rpc/rest`, `@seaworthy/rpc/grpc`.
 */
export { CONTEXT_HEADERS, contextHeaders, type HeaderLookup, readContext, readIdempotencyKey } from 'seaworthy/http'
export { type CallPolicy } from './call-policy.ts'
export { BadAnswerError, RemoteFailureError } from 'seaworthy/http'
export { errorFrom, type Failure, type FailureCode, failureOf } from 'seaworthy/http'
export { type ServerLog } from './server-log.ts'
