import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'
import { TimeoutError } from './errors.ts'
import { newId } from './ids.ts'

/** What travels everywhere, durable records included. */
export interface Propagated {
  /** One business conversation: the same on every call, message and log line that it caused. */
  readonly correlationId: string
  /** The id of the message or request that directly caused this one. */
  readonly causationId?: string | undefined
  /** W3C Trace Context, handed on untouched. */
  readonly traceparent?: string | undefined
  readonly tracestate?: string | undefined
  /** W3C Baggage, handed on untouched. */
  readonly baggage?: string | undefined
  /** Who asked, as the edge established it. */
  readonly actor?: string | undefined
}

/**
 * The context of one piece of work. Deadline and cancellation cross live calls only; what is stored
 * (an outbox row, a queued message, a saga step) keeps {@link Propagated} alone.
 */
export interface CallContext extends Propagated {
  /** On the monotonic clock, in milliseconds. */
  readonly deadlineMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Sent with the call so that its receiver can tell a repetition. */
  readonly idempotencyKey?: string | undefined
  /** Somebody further up makes this call again if it fails. Then nobody below does: layers that each try thrice multiply. */
  readonly retriedByCaller?: boolean | undefined
}

const current = new AsyncLocalStorage<CallContext>()

/** The context of the work in progress, if any. */
export function currentContext(): CallContext | undefined {
  return current.getStore()
}

/** Runs `body` with `context` as the current one. */
export function withContext<T>(context: CallContext, body: () => T): T {
  return current.run(context, body)
}

/** A fresh context, for work that nothing outside caused. */
export function rootContext(fields: Partial<CallContext> = {}): CallContext {
  return { ...fields, correlationId: fields.correlationId ?? newId() }
}

/** The current context, or a fresh one. */
export function contextOrRoot(): CallContext {
  return current.getStore() ?? rootContext()
}

/** The part of a context that may be stored or outlive the call: no deadline, no signal, no idempotency key. */
export function shielded(context: CallContext): CallContext {
  return { ...propagated(context) }
}

/** The fields that travel with a durable record. The trace context is taken from its owner (see {@link setTraceContextOwner}). */
export function propagated(context: CallContext): Propagated {
  const trace = traceHeaders(context)
  return {
    correlationId: context.correlationId,
    ...(context.causationId !== undefined && { causationId: context.causationId }),
    ...(trace.traceparent !== undefined && { traceparent: trace.traceparent }),
    ...(trace.tracestate !== undefined && { tracestate: trace.tracestate }),
    ...(context.baggage !== undefined && { baggage: context.baggage }),
    ...(context.actor !== undefined && { actor: context.actor }),
  }
}

/** Milliseconds left until the deadline; Infinity without one; never negative. */
export function remainingMs(context: CallContext, clock: Clock = systemClock): number {
  if (context.deadlineMs === undefined) return Number.POSITIVE_INFINITY
  return Math.max(0, context.deadlineMs - clock.monotonicMs())
}

/** A context whose deadline is at most `budgetMs` from now: the smaller of the two wins. */
export function withBudget(context: CallContext, budgetMs: number, clock: Clock = systemClock): CallContext {
  const deadlineMs = clock.monotonicMs() + budgetMs
  return context.deadlineMs !== undefined && context.deadlineMs <= deadlineMs ? context : { ...context, deadlineMs }
}

/** Throws when no time is left: nothing was sent, so nothing was executed. */
export function assertTimeLeft(context: CallContext, what: string, clock: Clock = systemClock): void {
  if (!(remainingMs(context, clock) > 0)) throw noTimeLeft(context, what)
}

/** What a call ends with that must not begin any more. A deadline that is no number has no time left. */
export function noTimeLeft({ deadlineMs }: Pick<CallContext, 'deadlineMs'>, what: string): TimeoutError {
  const message = Number.isNaN(deadlineMs)
    ? `The deadline of the call to ${what} is not a number. Nothing was sent; mend where deadlineMs is worked out.`
    : `The deadline passed before ${what} was called. Nothing was sent; give the caller more time, or do less before it.`
  return new TimeoutError(message, 0, { executed: 'no' })
}

/** The W3C headers of the span in progress. */
export interface TraceHeaders {
  readonly traceparent?: string | undefined
  readonly tracestate?: string | undefined
}

type TraceContextOwner = () => TraceHeaders | undefined
let owner: TraceContextOwner | undefined
let ownerInfo: TraceOwnerInfo | undefined

/** What else the owner of the trace context knows. */
export interface TraceOwnerInfo {
  /** The name of this service in traces. */
  readonly service: string
  /** The span in progress if it is recorded: what the headers say too, without writing and reading them. */
  readonly recordedSpan?: () => SpanReference | undefined
}

/** A span of some trace. */
export interface SpanReference {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
}

/**
 * Names the one owner of the trace context: OpenTelemetry, when it is installed. Without an owner the incoming
 * headers are handed on untouched.
 * @returns a function that removes the owner again
 */
export function setTraceContextOwner(next: TraceContextOwner, info?: TraceOwnerInfo): () => void {
  owner = next
  ownerInfo = info
  return () => {
    if (owner !== next) return
    owner = undefined
    ownerInfo = undefined
  }
}

/** The name of this service in its traces; undefined while nobody owns the trace context. */
export function tracedService(): string | undefined {
  return ownerInfo?.service
}

/** The trace headers to send on: the owner's, else those of the context. */
export function traceHeaders(context: CallContext): TraceHeaders {
  return owner?.() ?? { traceparent: context.traceparent, tracestate: context.tracestate }
}

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/
const SAMPLED = 1
const NO_CONTEXT = { correlationId: '' }

/** The span in progress, if it is recorded (W3C Trace Context, section 3.2.2.5.1). */
export function recordedSpan(): SpanReference | undefined {
  if (ownerInfo?.recordedSpan !== undefined) return ownerInfo.recordedSpan()
  const { traceparent } = traceHeaders(current.getStore() ?? NO_CONTEXT)
  const parts = traceparent === undefined ? null : TRACEPARENT.exec(traceparent)
  if (parts === null || (Number.parseInt(parts[3]!, 16) & SAMPLED) === 0) return undefined
  return { traceId: parts[1]!, spanId: parts[2]! }
}
