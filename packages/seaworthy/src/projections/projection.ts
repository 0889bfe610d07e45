import { ConfigurationError, type Transaction } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'

/** Changes the read model for one event, in the transaction it is given. Runs again when that rolls back, so it does nothing else. */
export type Apply<Data> = (tx: Transaction, event: EventEnvelope<Data>) => Promise<void>

/** Data by type of event: `{ 'order.placed': OrderPlaced }`. */
export type EventData = object

export interface ProjectionDeclaration<Events extends EventData> {
  readonly name: string
  /**
   * From 1. A new version has a checkpoint of its own and begins at the first event: give it tables of its own, and it is built
   * beside the old one, which goes on answering.
   */
  readonly version: number
  /** By type of event. Types that are not named are passed over. */
  readonly on: { readonly [Type in keyof Events]: Apply<Events[Type]> }
  /** Empties this version's read model. Needed to rebuild it in place. */
  readonly reset?: (tx: Transaction) => Promise<void>
}

/** A read model as a function of events. */
export interface Projection {
  readonly name: string
  readonly version: number
  readonly eventTypes: readonly string[]
  /** Changes the read model for the event; nothing for an event of another type. */
  apply(tx: Transaction, event: EventEnvelope): Promise<void>
  readonly reset: ((tx: Transaction) => Promise<void>) | undefined
}

/** Declares a projection. @throws ConfigurationError */
export function projection<Events extends EventData = Record<string, unknown>>(declaration: ProjectionDeclaration<Events>): Projection {
  const { name, version, on, reset } = declaration
  if (!Number.isInteger(version) || version < 1) {
    throw new ConfigurationError(`Projection ${name} has version ${version}. Versions are whole numbers from 1.`)
  }
  // A Map, because an event named "constructor" would be found on a plain object.
  const handlers = new Map(Object.entries<Apply<never>>(on))
  return {
    name,
    version,
    eventTypes: [...handlers.keys()],
    reset,
    async apply(tx, event) {
      await handlers.get(event.type)?.(tx, event as EventEnvelope<never>)
    },
  }
}

/**
 * The projection as a handler for a consumer of an event log. Run it in the inbox's transaction: what was seen and the read model then
 * change together, and the consumer's offsets and lag are the projection's. To rebuild it, raise the consumer's generation and replay.
 */
export function projectionHandler(projection: Projection): (event: EventEnvelope, tx: Transaction) => Promise<void> {
  return (event, tx) => projection.apply(tx, event)
}
