import type { StoredEvent } from 'seaworthy/event-sourcing'

/** A read model with its checkpoint, as the loop that feeds it sees it. */
export interface ProjectionTarget {
  readonly projection: string
  readonly version: number
  /** Position of the last event in the read model; 0 when it has none. */
  position(): Promise<number>
  /**
   * Applies the events and moves the checkpoint, both or neither; nothing when another writer was faster.
   * @throws ApplyFailure when one of the events cannot be applied
   */
  apply(events: readonly StoredEvent[], move: { readonly from: number; readonly to: number }): Promise<void>
}

/** An event whose handler threw. Never leaves this chapter. */
export class ApplyFailure extends Error {
  readonly event: { readonly type: string; readonly position: number }
  /** Its place in the batch, from 0. */
  readonly index: number

  constructor(event: StoredEvent, index: number, cause: unknown) {
    super(`Event ${event.type} at position ${event.position} could not be applied.`, { cause })
    this.event = { type: event.type, position: event.position }
    this.index = index
  }
}
