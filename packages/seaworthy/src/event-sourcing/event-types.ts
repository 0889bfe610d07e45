import { ConfigurationError } from 'seaworthy/core'
import type { DomainEvent } from './decider.ts'
import { UnknownEventError } from './errors.ts'
import type { StoredEvent } from './event-store.ts'

/** Data of one event in an older or the current shape. */
export type EventData = Readonly<Record<string, unknown>>

/**
 * Which fields of an event are about a person. They are stored encrypted under the key of that person, the subject, by a {@link sealedEventStore}. What is
 * nested in a field is encrypted with it.
 */
export interface PersonalFields<Event extends DomainEvent> {
  /** Whose they are: a pseudonym such as a customer's id, because it is stored in the clear. */
  readonly subject: (event: Event) => string
  /** The fields, each with what stands in its place once the subject is forgotten. Names that older shapes had belong here too. */
  readonly placeholders: { readonly [Field in keyof Omit<Event, 'type'>]?: Event[Field] } & { readonly [field: string]: unknown }
}

/** What the code knows of one type of event. */
export interface EventShape<Event extends DomainEvent = DomainEvent> {
  /** The current shape of its data, from 1. New events are stored in it. */
  readonly version: number
  /** From shape n to n + 1, under n: one for every shape below the current one. Stored events are never rewritten. */
  readonly upcast?: Readonly<Record<number, (data: EventData) => EventData>>
  readonly personal?: PersonalFields<Event>
}

/** Every type of event that streams of a kind may hold. The types ask for each one. */
export type EventShapes<Event extends DomainEvent> = {
  readonly [Type in Event['type']]: EventShape<Extract<Event, { readonly type: Type }>>
}

/** Reads and writes domain events in their stored form. */
export interface EventTypes<Event extends DomainEvent> {
  /** The event as the domain sees it, in today's shape. @throws UnknownEventError naming event and position */
  read(stored: StoredEvent): Event
  /** The stored event with its data in today's shape. @throws UnknownEventError naming event and position */
  upToDate(stored: StoredEvent): StoredEvent
  /** Type, shape and data to be stored. @throws ConfigurationError when the type was not declared: nobody could read it back */
  write(event: Event): { readonly type: string; readonly schemaVersion: number; readonly data: EventData }
  /** The current shape of a type; undefined when it was not declared. */
  shapeOf(type: string): number | undefined
  /** What of a type is about a person; undefined when nothing is. */
  personalOf(type: string): PersonalFields<DomainEvent> | undefined
}

/** Declares the events of a kind of stream, with their upcasters. @throws ConfigurationError naming an upcaster that is missing */
export function eventTypes<Event extends DomainEvent>(shapes: EventShapes<Event>): EventTypes<Event> {
  // A Map, because an event named "constructor" would be found on a plain object.
  const known = new Map(Object.entries(shapes) as [string, EventShape][])
  for (const [type, shape] of known) assertComplete(type, shape)
  const upToDate = (stored: StoredEvent): StoredEvent => {
    const shape = known.get(stored.type)
    if (shape === undefined) throw new UnknownEventError(stored, 'is of a type that this code does not declare')
    if (stored.schemaVersion > shape.version) {
      throw new UnknownEventError(stored, `is newer than this code, which knows shape ${shape.version}`)
    }
    if (stored.schemaVersion === shape.version) return stored
    let data = stored.data as EventData
    for (let from = stored.schemaVersion; from < shape.version; from++) data = shape.upcast![from]!(data)
    return { ...stored, schemaVersion: shape.version, data }
  }
  return {
    upToDate,
    read: (stored) => ({ ...(upToDate(stored).data as EventData), type: stored.type }) as unknown as Event,
    write(event) {
      const shape = known.get(event.type)
      if (shape === undefined) {
        throw new ConfigurationError(`Event ${event.type} is not declared, so nobody could read it back. Add it to eventTypes().`)
      }
      const { type, ...data } = event
      return { type, schemaVersion: shape.version, data }
    },
    shapeOf: (type) => known.get(type)?.version,
    personalOf: (type) => known.get(type)?.personal,
  }
}

function assertComplete(type: string, shape: EventShape): void {
  if (!Number.isInteger(shape.version) || shape.version < 1) {
    throw new ConfigurationError(`Event ${type} declares shape ${shape.version}. Shapes are whole numbers from 1.`)
  }
  for (let from = 1; from < shape.version; from++) {
    if (shape.upcast?.[from] === undefined) {
      throw new ConfigurationError(`Event ${type} is at shape ${shape.version}, but has no upcaster from ${from} to ${from + 1}.`)
    }
  }
}
