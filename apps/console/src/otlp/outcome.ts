/** How work ended. `rejected`: it was decided not to do it, as the answer says; nothing broke. */
export type Outcome = 'ok' | 'rejected' | 'failed'

/** An attribute as text, by its name. */
export type AttributeText = (key: string) => string | undefined

/** `google.rpc.Code` by number. */
const RPC_STATUS = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]
/** Attributes that say how a span ended. */
export const OUTCOME_ATTRIBUTES = [
  'error.type',
  'http.response.status_code',
  'http.status_code',
  'rpc.response.status_code',
  'rpc.grpc.status_code',
  'seaworthy.event.type',
]

/** As OpenTelemetry's conventions for gRPC name them for server spans. */
const RPC_SERVER_FAILURES = new Set(['UNKNOWN', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'])

/**
 * How a span ended. A server's answer decides about its span: 5xx is the server's failure, 4xx its caller's mistake, and a call that
 * the caller gave up is not counted against the server. Everything else failed when it says so, unless it met a rule that said no
 * (`error.type` is `rejected`): a card was declined, stock ran out.
 */
export function spanOutcome(span: { readonly isServer: boolean; readonly isError: boolean; readonly attribute: AttributeText }): Outcome {
  const { isServer, isError, attribute } = span
  const type = attribute('error.type')
  const byStatus = !isError ? 'ok' : type === 'rejected' ? 'rejected' : 'failed'
  if (!isServer) return byStatus
  const http = httpStatus(attribute)
  if (http !== undefined && http >= 400) return http >= 500 ? 'failed' : 'rejected'
  const rpc = rpcStatus(attribute)
  if (rpc !== undefined && rpc !== 'OK') return RPC_SERVER_FAILURES.has(rpc) ? 'failed' : 'rejected'
  return type === 'cancelled' ? 'rejected' : byStatus
}

/** HTTP 4xx that say something of the callee: it did not get the request in time (408), not for now (425), or had too much to do (429). */
const HTTP_CALLEE_STATUS = new Set([408, 425, 429])
const RPC_CALLERS_AFFAIRS = new Set([
  'CANCELLED',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'FAILED_PRECONDITION',
  'OUT_OF_RANGE',
  'UNAUTHENTICATED',
])

/**
 * Whether an answer, though an error to its caller, says that the callee works: a look-up found nothing, an input was refused. A client's span of such a call has
 * the status error by OpenTelemetry's conventions.
 */
export function isCallersAffair(attribute: AttributeText): boolean {
  const http = httpStatus(attribute)
  // gRPC answers 200 whatever came of the call.
  if (http !== undefined && http >= 400) return http < 500 && !HTTP_CALLEE_STATUS.has(http)
  return RPC_CALLERS_AFFAIRS.has(rpcStatus(attribute) ?? '')
}

/** The status of an HTTP answer, by today's name of the attribute or by the one before it. */
export function httpStatus(attribute: AttributeText): number | undefined {
  const status = Number(attribute('http.response.status_code') ?? attribute('http.status_code'))
  return Number.isInteger(status) && status >= 100 && status <= 599 ? status : undefined
}

function rpcStatus(attribute: AttributeText): string | undefined {
  const text = attribute('rpc.response.status_code') ?? attribute('rpc.grpc.status_code')
  return text !== undefined && /^\d+$/.test(text) ? RPC_STATUS[Number(text)] : text
}

/** Whether a span published an event such as `order.rejected`: the request was answered, and the answer was no. */
export function saysRejected(attribute: AttributeText): boolean {
  return attribute('seaworthy.event.type')?.endsWith('.rejected') ?? false
}
