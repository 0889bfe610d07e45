import type { Transaction } from 'seaworthy/core'
import type { Decider, DomainCommand, DomainEvent } from './decider.ts'
import { EVENTS_PAGE_MAX, type EventStore } from './event-store.ts'
import type { EventTypes } from './event-types.ts'

export interface LoadedStream<State> {
  readonly state: State
  /** Version of the last event; 0 when the stream does not exist. */
  readonly version: number
  /** Version of the snapshot that loading began from; 0 when it began from the first event. */
  readonly snapshotVersion: number
}

/** What the command handler needs besides. */
export interface FoldedStream<State> extends LoadedStream<State> {
  /** When the snapshot was taken that loading began from, or else when the first event was recorded; undefined when there is none. */
  readonly sinceMs: number | undefined
  /** The schema version of a snapshot that newer code made, and that was ignored. */
  readonly newerSnapshot: number | undefined
}

/** Folds a stream into its state: from its snapshot, if the same code made that, and then event by event, a page at a time. */
export async function loadStream<State, Command extends DomainCommand, Event extends DomainEvent>(options: {
  readonly decider: Decider<State, Command, Event>
  readonly events: EventTypes<Event>
  readonly store: EventStore
  readonly schemaVersion: number
  readonly useSnapshot: boolean
  readonly stream: string
  readonly tx: Transaction | undefined
}): Promise<FoldedStream<State>> {
  const { decider, events, store, schemaVersion, useSnapshot, stream, tx } = options
  let state = decider.initial()
  let version = 0
  let sinceMs: number | undefined
  const snapshot = useSnapshot ? await store.loadSnapshot(stream, tx) : undefined
  const newerSnapshot = snapshot !== undefined && snapshot.schemaVersion > schemaVersion ? snapshot.schemaVersion : undefined
  if (snapshot?.schemaVersion === schemaVersion) {
    state = snapshot.state as State
    version = snapshot.version
    sinceMs = snapshot.takenAtMs
  }
  const snapshotVersion = version
  for (;;) {
    const page = await store.read(stream, { after: version, max: EVENTS_PAGE_MAX, ...(tx && { tx }) })
    sinceMs ??= page[0]?.recordedAtMs
    for (const stored of page) state = decider.evolve(state, events.read(stored))
    version = page.at(-1)?.version ?? version
    if (page.length < EVENTS_PAGE_MAX) return { state, version, snapshotVersion, sinceMs, newerSnapshot }
  }
}
