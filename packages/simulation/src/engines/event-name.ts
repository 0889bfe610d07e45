import type { EventEnvelope } from 'seaworthy/messaging'
import type { EventName } from '../kernel/history.ts'

/** An event as it stands in a history. */
export function nameOf(event: EventEnvelope, topic: string): EventName {
  return { id: event.id, type: event.type, topic, key: event.key, sequence: event.sequence }
}
