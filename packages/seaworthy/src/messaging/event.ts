import {
  type CallContext,
  type Clock,
  type NewId,
  type Schema,
  contextOrRoot,
  newId,
  propagated,
  systemClock,
  validate,
} from 'seaworthy/core'

/** An event on its way: CloudEvents 1.0 attributes, and what ordering and tracing need. JSON-able throughout. */
export interface EventEnvelope<Data = unknown> {
  readonly id: string
  /** What happened, in the past tense, as in `order.placed`. */
  readonly type: string
  /** Version of the data's shape, from 1. */
  readonly version: number
  /** The service that published it. */
  readonly source: string
  /** Events of one key keep their order. */
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
    return {
      id: (extra.newId ?? newId)(),
      type,
      version: options.version,
      source: options.topic,
      key: options.key(checked),
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
    schema: options.schema,
    is: (envelope: EventEnvelope): envelope is EventEnvelope<Data> => envelope.type === type && envelope.version === options.version,
  })
}
