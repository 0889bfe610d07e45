import {
  type CallContext,
  type Clock,
  type InvalidField,
  type NewId,
  type Propagated,
  type Schema,
  InvalidInputError,
  contextOrRoot,
  newId,
  propagated,
  systemClock,
  traceHeaders,
  validate,
} from 'seaworthy/core'

/** An event on its way: CloudEvents 1.0 attributes, and what ordering and tracing need. JSON-able throughout. */
export interface EventEnvelope<Data = unknown> {
  readonly id: string
  /** What happened, in the past tense, as in `order.placed`. */
  readonly type: string
  /** Version of the data's shape, from 1. */
  readonly version: number
  /** The topic that it was published on; by convention the publishing service's name. `source` and `id` together are unique, `sequence` counts within `source` and `key`. */
  readonly source: string
  /** Events of one key keep their order. Never empty. */
  readonly key: string
  /** Number among the events of the key on its topic, from 1, gapless, in the order of commits. 0 until the outbox assigned it. */
  readonly sequence: number
  /** RFC 3339, UTC. */
  readonly time: string
  readonly correlationId: string
  readonly causationId?: string | undefined
  readonly traceparent?: string | undefined
  readonly tracestate?: string | undefined
  readonly baggage?: string | undefined
  readonly actor?: string | undefined
  readonly data: Data
}

/** A declared event: call it with the data to make one. */
export interface EventType<Data> {
  (data: Data, options?: { context?: CallContext; clock?: Clock; newId?: NewId }): EventEnvelope<Data>
  readonly type: string
  readonly version: number
  readonly topic: string
  readonly key: (data: Data) => string
  readonly schema: Schema<Data>
  /** True when the envelope is of this type and version. */
  is(envelope: EventEnvelope): envelope is EventEnvelope<Data>
}

export interface EventTypeOptions<Data> {
  /** The topic it is published on; by convention the publishing service's name. */
  readonly topic: string
  /** From 1. */
  readonly version: number
  /** What the event is about: events of one key keep their order. */
  readonly key: (data: Data) => string
  readonly schema: Schema<Data>
}

/**
 * Declares an event. Data that breaks the schema is refused where it is made, with an InvalidInputError that names
 * the fields, because an event cannot be taken back once it is published.
 */
export function defineEvent<Data>(type: string, options: EventTypeOptions<Data>): EventType<Data> {
  const make = (data: Data, extra: { context?: CallContext; clock?: Clock; newId?: NewId } = {}): EventEnvelope<Data> => {
    const checked = validate(options.schema, data, `The data of event ${type}`)
    const key = options.key(checked)
    if (typeof key !== 'string' || key === '') {
      throw new InvalidInputError(`Event ${type} has no key for this data. Derive the key from a field that the schema requires.`)
    }
    return {
      id: (extra.newId ?? newId)(),
      type,
      version: options.version,
      source: options.topic,
      key,
      sequence: 0,
      time: new Date((extra.clock ?? systemClock).now()).toISOString(),
      ...propagated(extra.context ?? contextOrRoot()),
      data: checked,
    }
  }
  return Object.assign(make, {
    type,
    version: options.version,
    topic: options.topic,
    key: options.key,
    schema: options.schema,
    is: (envelope: EventEnvelope): envelope is EventEnvelope<Data> => envelope.type === type && envelope.version === options.version,
  })
}

/**
 * What a handler of the event goes on with: the conversation's fields, the event itself as the cause of what follows, and the trace headers
 * of the span in progress. Those of the event stand for its publishing, and are taken where nobody traces.
 */
export function contextOf(event: EventEnvelope): Propagated {
  const { traceparent, tracestate } = traceHeaders(event)
  return {
    correlationId: event.correlationId,
    causationId: event.id,
    ...(traceparent !== undefined && { traceparent }),
    ...(tracestate !== undefined && { tracestate }),
    ...(event.baggage !== undefined && { baggage: event.baggage }),
    ...(event.actor !== undefined && { actor: event.actor }),
  }
}

const REQUIRED_TEXT = ['id', 'type', 'source', 'key', 'time', 'correlationId'] as const
const OPTIONAL_TEXT = ['causationId', 'traceparent', 'tracestate', 'baggage', 'actor'] as const

/**
 * Checks what came over a log that others write to. Says nothing about the data: that is the schema's part.
 * @throws InvalidInputError naming each attribute that does not hold
 */
export function assertEnvelope(value: unknown): asserts value is EventEnvelope {
  if (typeof value !== 'object' || value === null) throw new InvalidInputError('The message is not an event: it is not an object.')
  const attributes = value as Record<string, unknown>
  const fields: InvalidField[] = []
  for (const field of REQUIRED_TEXT) {
    if (typeof attributes[field] !== 'string' || attributes[field] === '') fields.push({ field, message: 'must be a non-empty string' })
  }
  for (const field of OPTIONAL_TEXT) {
    if (attributes[field] !== undefined && typeof attributes[field] !== 'string') fields.push({ field, message: 'must be a string' })
  }
  if (!isWhole(attributes['version'], 1)) fields.push({ field: 'version', message: 'must be a whole number from 1' })
  if (!isWhole(attributes['sequence'], 0)) fields.push({ field: 'sequence', message: 'must be a whole number from 0' })
  if (!('data' in attributes)) fields.push({ field: 'data', message: 'is missing' })
  if (fields.length > 0) {
    throw new InvalidInputError(
      `The message is not an event: ${fields.map(({ field, message }) => `${field} ${message}`).join('; ')}.`,
      fields,
    )
  }
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least
}
