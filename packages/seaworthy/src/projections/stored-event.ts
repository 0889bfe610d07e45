import type { DomainEvent, EventTypes, StoredEvent } from 'seaworthy/event-sourcing'
import type { EventEnvelope } from 'seaworthy/messaging'

/** The part of a declaration of event types that bringing events up to date needs. */
export type UpcastTypes = Pick<EventTypes<DomainEvent>, 'shapeOf' | 'upToDate'>

/** A stored event in the form in which projections get every event, wherever it comes from. */
export function envelopeOf(stored: StoredEvent, types?: UpcastTypes): EventEnvelope {
  const declared = types !== undefined && types.shapeOf(stored.type) !== undefined
  const event = declared ? types.upToDate(stored) : stored
  return {
    ...event.context,
    id: event.id,
    type: event.type,
    version: event.schemaVersion,
    source: 'event-store',
    key: event.stream,
    sequence: event.version,
    time: new Date(event.recordedAtMs).toISOString(),
    data: event.data,
  }
}
