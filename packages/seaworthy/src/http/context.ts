import { type CallContext, InvalidInputError, newId, type TraceHeaders, traceHeaders } from 'seaworthy/core'

/** The names under which the context crosses a wire, REST headers and gRPC metadata alike. */
export const CONTEXT_HEADERS = {
  correlationId: 'x-correlation-id',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  baggage: 'baggage',
  idempotencyKey: 'idempotency-key',
  actor: 'x-seaworthy-actor',
  /** `1`: the caller makes this call again if it fails, so that nobody below needs to. */
  retriedByCaller: 'x-seaworthy-retried-by-caller',
} as const

const CORRELATION_ID = /^[A-Za-z0-9._-]{1,64}$/
// W3C Trace Context level 2, section 3.2: version ff and all-zero ids are invalid.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const TRACESTATE_LENGTH_MAX = 512
// W3C Baggage, section 3.3.2.
const BAGGAGE_LENGTH_MAX = 8_192
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/
const ACTOR = /^[\x21-\x7e]{1,256}$/
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

/** Looks up an incoming header by its lower-case name. */
export type HeaderLookup = (name: string) => string | undefined

/**
 * The context that came with a request, without deadline, signal and idempotency key. Headers that break their
 * standard are dropped; a correlation id that is missing or malformed is replaced by a new one.
 */
export function readContext(header: HeaderLookup): CallContext {
  const correlationId = header(CONTEXT_HEADERS.correlationId)
  const baggage = header(CONTEXT_HEADERS.baggage)
  const actor = header(CONTEXT_HEADERS.actor)
  return {
    correlationId: correlationId !== undefined && CORRELATION_ID.test(correlationId) ? correlationId : newId(),
    ...readTrace(header),
    ...(baggage !== undefined && baggage.length <= BAGGAGE_LENGTH_MAX && PRINTABLE_ASCII.test(baggage) && { baggage }),
    ...(actor !== undefined && ACTOR.test(actor) && { actor }),
    ...(header(CONTEXT_HEADERS.retriedByCaller) === '1' && { retriedByCaller: true }),
  }
}

function readTrace(header: HeaderLookup): TraceHeaders {
  const traceparent = header(CONTEXT_HEADERS.traceparent)
  if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return {}
  const tracestate = header(CONTEXT_HEADERS.tracestate)
  const sound = tracestate !== undefined && tracestate.length <= TRACESTATE_LENGTH_MAX && PRINTABLE_ASCII.test(tracestate)
  return sound ? { traceparent, tracestate } : { traceparent }
}

/** The idempotency key of a request, if it has one. @throws InvalidInputError unless it is 1 to 255 visible ASCII characters */
export function readIdempotencyKey(header: HeaderLookup): string | undefined {
  const key = header(CONTEXT_HEADERS.idempotencyKey)
  if (key !== undefined) assertIdempotencyKey(key)
  return key
}

/**
 * The headers that carry a context on: all but the deadline, which every wire writes in its own way.
 * @throws InvalidInputError for an idempotency key or an actor that cannot be sent: dropping either would change what the call means
 */
export function contextHeaders(call: CallContext): Record<string, string> {
  const headers: Record<string, string> = {}
  if (CORRELATION_ID.test(call.correlationId)) headers[CONTEXT_HEADERS.correlationId] = call.correlationId
  const { traceparent, tracestate } = traceHeaders(call)
  if (traceparent !== undefined) headers[CONTEXT_HEADERS.traceparent] = traceparent
  if (tracestate !== undefined) headers[CONTEXT_HEADERS.tracestate] = tracestate
  if (call.baggage !== undefined && PRINTABLE_ASCII.test(call.baggage)) headers[CONTEXT_HEADERS.baggage] = call.baggage
  if (call.idempotencyKey !== undefined) {
    assertIdempotencyKey(call.idempotencyKey)
    headers[CONTEXT_HEADERS.idempotencyKey] = call.idempotencyKey
  }
  if (call.retriedByCaller === true) headers[CONTEXT_HEADERS.retriedByCaller] = '1'
  if (call.actor !== undefined) {
    if (!ACTOR.test(call.actor)) {
      throw new InvalidInputError('The actor of a call is 1 to 256 visible ASCII characters.', [
        { field: CONTEXT_HEADERS.actor, message: 'Expected 1 to 256 visible ASCII characters' },
      ])
    }
    headers[CONTEXT_HEADERS.actor] = call.actor
  }
  return headers
}

function assertIdempotencyKey(key: string): void {
  if (IDEMPOTENCY_KEY.test(key)) return
  throw new InvalidInputError('The idempotency key is not valid: it is 1 to 255 visible ASCII characters.', [
    { field: CONTEXT_HEADERS.idempotencyKey, message: 'Expected 1 to 255 visible ASCII characters' },
  ])
}
