import type { EventEnvelope } from './event.ts'

// CloudEvents wants sequences that sort as text.
const SEQUENCE_DIGITS = 16

/**
 * The attributes of an event as CloudEvents 1.0 names them, for drivers. `partitionkey`, `sequence`, `traceparent`, `tracestate`, `correlationid` and `causationid` are those of its
 * documented extensions; `version`, `baggage` and `actor` are ours. One that the event does not have is undefined.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export function cloudEventAttributes(event: EventEnvelope) {
  return {
    specversion: '1.0',
    id: event.id,
    source: event.source,
    type: event.type,
    time: event.time,
    partitionkey: event.key,
    sequence: String(event.sequence).padStart(SEQUENCE_DIGITS, '0'),
    version: event.version,
    correlationid: event.correlationId,
    causationid: event.causationId,
    traceparent: event.traceparent,
    tracestate: event.tracestate,
    baggage: event.baggage,
    actor: event.actor,
  }
}

/** The content type of {@link structuredCloudEvent}. */
export const STRUCTURED_CLOUD_EVENT = 'application/cloudevents+json; charset=utf-8'

/** The whole event as JSON: the structured mode of CloudEvents' bindings to Kafka, AMQP and others. */
export function structuredCloudEvent(event: EventEnvelope): string {
  return JSON.stringify({ ...cloudEventAttributes(event), datacontenttype: 'application/json', data: event.data ?? null })
}
