import type { AsyncMessage, Envelope, SyncMessage } from 'rabbitmq-client'
import type { Propagated } from 'seaworthy/core'

/**
 * How a message lies in RabbitMQ, for programs in any language: the body is JSON in UTF-8, the id is the property `message_id`, the correlation id
 * the property `correlation_id`, trace context and baggage are the headers of W3C. The rest stands in headers of this name each.
 */
const HEADER = {
  // Properties of AMQP take 255 bytes. What is longer goes here.
  id: 'seaworthy-id',
  correlationId: 'seaworthy-correlation-id',
  causationId: 'seaworthy-causation-id',
  actor: 'seaworthy-actor',
  /** How often it was handed out before it was published again, because its next attempt had to wait. */
  attempts: 'seaworthy-attempts',
  reason: 'seaworthy-reason',
  diedAtMs: 'seaworthy-died-at-ms',
  /** From when it can be had, in milliseconds since the epoch: the property `timestamp` has whole seconds. */
  readyAtMs: 'seaworthy-ready-at-ms',
} as const

const SHORT_BYTES_MAX = 255

/** A message as it is published: its body is written once, and never parsed on its way through the queues. */
export interface StoredMessage {
  readonly id: string
  readonly json: Buffer
  readonly context: Propagated
}

/** A message as it came from the broker. */
export type ReadMessage =
  | {
      readonly kind: 'readable'
      readonly stored: StoredMessage
      readonly body: unknown
      readonly attempt: number
      /** From when it could be had, in milliseconds since the epoch, on the clock of whoever published it. */
      readonly readyAtMs: number | undefined
    }
  | { readonly kind: 'unreadable'; readonly stored: StoredMessage; readonly reason: string; readonly attempt: number }

export interface DeadMessage {
  readonly stored: StoredMessage
  readonly body: unknown
  readonly attempts: number
  readonly reason: string
  readonly diedAtMs: number
}

export interface Death {
  readonly attempts: number
  readonly reason: string
  readonly diedAtMs: number
}

/**
 * @param state what is known about a message that was handed out before, and for how long it is to be kept back now
 */
export function envelopeOf(
  { id, context }: StoredMessage,
  state: { attempts?: number; death?: Death; delayMs?: number; nowMs: number },
): Envelope {
  const { death, delayMs = 0, nowMs } = state
  const headers: Record<string, string | number> = {}
  const set = (name: string, value: string | number | undefined) => {
    if (value !== undefined) headers[name] = value
  }
  const shortId = isShort(id)
  const shortCorrelation = isShort(context.correlationId)
  if (!shortId) set(HEADER.id, id)
  if (!shortCorrelation) set(HEADER.correlationId, context.correlationId)
  set(HEADER.causationId, context.causationId)
  set('traceparent', context.traceparent)
  set('tracestate', context.tracestate)
  set('baggage', context.baggage)
  set(HEADER.actor, context.actor)
  set(HEADER.attempts, death?.attempts ?? state.attempts)
  set(HEADER.reason, death?.reason)
  set(HEADER.diedAtMs, death?.diedAtMs)
  if (death === undefined) set(HEADER.readyAtMs, Math.floor(nowMs + delayMs))
  return {
    ...(shortId && { messageId: id }),
    ...(shortCorrelation && { correlationId: context.correlationId }),
    contentType: 'application/json',
    // With it the client hands over the bytes as they are.
    contentEncoding: 'utf-8',
    timestamp: Math.floor(nowMs / 1_000),
    durable: true,
    headers,
  }
}

/** Reads what is in the queue, whoever published it. */
export function readMessage(message: AsyncMessage | SyncMessage): ReadMessage {
  const headers = (message.headers ?? {}) as Readonly<Record<string, unknown>>
  const parsed = parsedBody(message.body)
  const id = text(headers[HEADER.id]) ?? message.messageId
  const stored: StoredMessage = { id: id ?? '', json: parsed.json, context: contextOf(message, headers, id ?? '') }
  const attempt = count(headers[HEADER.attempts]) + returns(headers) + 1
  const unreadable = (reason: string): ReadMessage => ({ kind: 'unreadable', stored, reason, attempt })
  if (id === undefined) return unreadable('It has no message_id, by which a repetition could be told. Let its publisher set that property.')
  if (!parsed.isJson) return unreadable('It cannot be read: its body is no JSON.')
  return { kind: 'readable', stored, body: parsed.value, attempt, readyAtMs: readyAtMs(message, headers) }
}

/** Reads what is in the queue of dead letters. @param deliveryLimit of the queue where it died, by which RabbitMQ itself set it aside */
export function readDead(message: AsyncMessage | SyncMessage, deliveryLimit: number): DeadMessage {
  const headers = (message.headers ?? {}) as Readonly<Record<string, unknown>>
  const { stored, ...read } = readMessage(message)
  const body = read.kind === 'readable' ? read.body : stored.json.toString()
  const reason = text(headers[HEADER.reason])
  if (reason !== undefined) {
    const diedAtMs = count(headers[HEADER.diedAtMs])
    return { stored, body, attempts: count(headers[HEADER.attempts]), reason, diedAtMs }
  }
  const [death] = (headers['x-death'] ?? []) as readonly { reason?: string; time?: number }[]
  const limit = `The lease of attempt ${deliveryLimit} ended without an answer: the worker hung, or died of it.`
  return {
    stored,
    body,
    attempts: deliveryLimit,
    reason: death?.reason === 'delivery_limit' ? limit : `RabbitMQ set it aside: ${death?.reason ?? 'it does not say why'}.`,
    // RabbitMQ writes whole seconds.
    diedAtMs: count(death?.time) * 1_000,
  }
}

function contextOf(message: AsyncMessage | SyncMessage, headers: Readonly<Record<string, unknown>>, id: string): Propagated {
  const fields = {
    causationId: text(headers[HEADER.causationId]),
    traceparent: text(headers['traceparent']),
    tracestate: text(headers['tracestate']),
    baggage: text(headers['baggage']),
    actor: text(headers[HEADER.actor]),
  }
  const known = Object.entries(fields).filter(([, value]) => value !== undefined)
  return { correlationId: text(headers[HEADER.correlationId]) ?? message.correlationId ?? id, ...Object.fromEntries(known) }
}

/** How often the broker handed it out before and got it back. RabbitMQ 4 tells what was acquired from what was returned as a failure. */
function returns(headers: Readonly<Record<string, unknown>>): number {
  return Math.max(count(headers['x-acquired-count']), count(headers['x-delivery-count']))
}

/** Of one that was handed out before and came back it is not known: RabbitMQ does not say when that was. */
function readyAtMs(message: AsyncMessage | SyncMessage, headers: Readonly<Record<string, unknown>>): number | undefined {
  if (message.redelivered || returns(headers) > 0) return undefined
  // Of other publishers, where the broker stamps what comes in (message_interceptors.incoming.set_header_timestamp).
  const exactMs = count(headers[HEADER.readyAtMs]) || count(headers['timestamp_in_ms'])
  if (exactMs > 0) return exactMs
  const seconds = count(message.timestamp)
  // The end of that second: rather a second of waiting too little than one that nobody waited.
  return seconds > 0 ? (seconds + 1) * 1_000 : undefined
}

function parsedBody(body: unknown): { readonly json: Buffer; readonly isJson: boolean; readonly value?: unknown } {
  // The client has parsed, or decoded, what says that it is JSON or text.
  if (!Buffer.isBuffer(body)) return { json: Buffer.from(JSON.stringify(body)), isJson: true, value: body }
  try {
    return { json: body, isJson: true, value: JSON.parse(body.toString()) as unknown }
  } catch {
    return { json: body, isJson: false }
  }
}

function isShort(value: string): boolean {
  return Buffer.byteLength(value) <= SHORT_BYTES_MAX
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function count(value: unknown): number {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0
}
