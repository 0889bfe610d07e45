import type { Decider, DomainCommand, DomainEvent } from './decider.ts'
import { EVENTS_PAGE_MAX, type EventStore, type StoredEvent } from './event-store.ts'
import type { EventTypes } from './event-types.ts'

/** A moment in the life of a stream. */
export type StreamMoment =
  | { readonly version: number }
  | {
      /** Milliseconds since the epoch: up to the first event that was recorded later. */
      readonly timeMs: number
    }

/** A moment in the life of a store. */
export type StoreMoment =
  | { readonly position: number }
  | {
      /** Milliseconds since the epoch: what was recorded by then, by the clocks of those who recorded it. */
      readonly timeMs: number
    }

/** One event of a stream, and the states on both sides of it. */
export interface Replayed<State, Event> {
  readonly stored: StoredEvent
  /** In today's shape. */
  readonly event: Event
  readonly before: State
  readonly after: State
}

/**
 * A stream from its first event to a moment (default: its end), with the state after each event; without snapshots, which know one moment only.
 * @throws UnknownEventError when it comes to an event that this code does not know
 */
export async function* replayStream<State, Command extends DomainCommand, Event extends DomainEvent>(options: {
  readonly decider: Decider<State, Command, Event>
  readonly events: EventTypes<Event>
  readonly store: EventStore
  readonly stream: string
  readonly until?: StreamMoment
}): AsyncGenerator<Replayed<State, Event>, void, void> {
  const { decider, events, store, stream, until } = options
  let state = decider.initial()
  for await (const stored of streamEvents(store, stream)) {
    if (until !== undefined && isLater(stored, until)) return
    const event = events.read(stored)
    const before = state
    state = decider.evolve(state, event)
    yield { stored, event, before, after: state }
  }
}

/** The events of all streams in the order of positions, to a moment (default: what is there now). Archived streams are left out. */
export async function* replayAll(
  store: EventStore,
  options: { readonly after?: number; readonly until?: StoreMoment } = {},
): AsyncGenerator<StoredEvent, void, void> {
  const { until } = options
  // Without an end of its own a replay would chase those who append meanwhile.
  const end = until !== undefined && 'position' in until ? until.position : await store.head()
  for (let after = options.after ?? 0; ;) {
    const page = await store.readAll({ after, max: EVENTS_PAGE_MAX })
    for (const stored of page) {
      if (stored.position > end) return
      if (until === undefined || !('timeMs' in until) || stored.recordedAtMs <= until.timeMs) yield stored
    }
    if (page.length === 0) return
    after = page.at(-1)!.position
  }
}

/** The events of a stream as they are stored, a page at a time. */
export async function* streamEvents(store: EventStore, stream: string): AsyncGenerator<StoredEvent, void, void> {
  for (let after = 0; ;) {
    const page = await store.read(stream, { after, max: EVENTS_PAGE_MAX })
    yield* page
    if (page.length < EVENTS_PAGE_MAX) return
    after = page.at(-1)!.version
  }
}

function isLater(stored: StoredEvent, moment: StreamMoment): boolean {
  return 'version' in moment ? stored.version > moment.version : stored.recordedAtMs > moment.timeMs
}
