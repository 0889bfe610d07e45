import type { EventStore, StoredEvent } from 'seaworthy/event-sourcing'
import { allParked } from './parked-documents.ts'
import type { ModelVersion, ParkedDocument, ReadStore } from './read-store.ts'

/** An event that waits for a document which stands still. One that changes several documents may wait for each. */
export interface WaitingEvent {
  readonly key: string
  readonly position: number
  /** As it is stored; archived ones too. */
  readonly event: StoredEvent
  /** `parked`: it could not be applied. `held`: it came behind one that could not, and was not tried. */
  readonly kind: 'parked' | 'held'
  readonly attempts: number
  readonly reason: string
  /** When the document stopped, in milliseconds since the epoch. */
  readonly parkedAtMs: number
}

export interface WaitingEventsOptions extends ModelVersion {
  readonly store: ReadStore
  readonly source: EventStore
  readonly after: number
  readonly max: number
}

const HELD = 'Its document stands still behind an event that could not be applied.'

/** A page of the events that wait, after a position. All those of the last position are in it, be they more than `max`. */
export async function waitingEvents({
  store,
  source,
  after,
  max,
  projection,
  version,
}: WaitingEventsOptions): Promise<readonly WaitingEvent[]> {
  const parked = await allParked(store, { projection, version })
  const places = parked.flatMap((document) => document.waiting.map((position) => ({ document, position })))
  const ordered = places.filter(({ position }) => position > after).toSorted((one, other) => one.position - other.position)
  const last = ordered[Math.min(max, ordered.length) - 1]?.position ?? 0
  const page: WaitingEvent[] = []
  for (const { document, position } of ordered) {
    if (position > last) break
    const [event] = await source.readAll({ after: position - 1, max: 1, archived: true })
    if (event?.position === position) page.push(waiting(document, event))
  }
  return page
}

function waiting({ key, waiting, attempts, reason, parkedAtMs }: ParkedDocument, event: StoredEvent): WaitingEvent {
  const { position } = event
  return position === waiting[0]
    ? { key, position, event, kind: 'parked', attempts, reason, parkedAtMs }
    : { key, position, event, kind: 'held', attempts: 0, reason: HELD, parkedAtMs }
}
