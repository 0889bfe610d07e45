import { ConfigurationError } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import type { EventData } from './projection.ts'
import type { DocumentChange, Listing, StoredDocument } from './read-store.ts'
import { Unlisted } from './refused-document.ts'

/**
 * The document after an event; `undefined` when there is none afterwards. It is called again for the same event, in a rebuild and in a check of one, and must
 * come to the same result: no clock, no randomness, no other data than what it is given. It returns a new document and leaves the old one as it is.
 */
export type Evolve<Document, Data> = (document: Document | undefined, event: EventEnvelope<Data>, key: string) => Document | undefined

export interface DocumentProjectionDeclaration<Document, Events extends EventData> {
  readonly name: string
  /** From 1. Raise it whenever a change here gives other documents: the new version is built beside the old one, and takes its place by a switch. */
  readonly version: number
  /** By type of event. Types that are not named are passed over. */
  readonly on: { readonly [Type in keyof Events]: Evolve<Document, Events[Type]> }
  /** The documents that an event changes. Default: that of the event's own key. */
  readonly keys?: (event: EventEnvelope<Events[keyof Events]>) => readonly string[]
  /** The list that a document stands in, if any. */
  readonly listing?: (document: Document, key: string) => Listing | undefined
  /** In how many parts several workers may build it, each part's documents in order. Fixed for a version. Default 1. */
  readonly partitions?: number
}

/** A read model as a pure function from events to documents. */
export interface DocumentProjection {
  readonly name: string
  readonly version: number
  readonly eventTypes: readonly string[]
  readonly partitions: number
  /** Whether each key of the events, such as a stream, is the key of the one document that they change. */
  readonly keyedByStream: boolean
  /** Keys of the documents that the event changes, each once; none for an event of another type. */
  keysOf(event: EventEnvelope): readonly string[]
  /** The document after the event. */
  evolve(document: unknown, event: EventEnvelope, key: string): unknown
  listingOf(document: unknown, key: string): Listing | undefined
}

const PARTITIONS_MAX = 1_024

/** Declares a projection into documents. @throws ConfigurationError */
export function documentProjection<Document, Events extends EventData = Record<string, unknown>>(
  declaration: DocumentProjectionDeclaration<Document, Events>,
): DocumentProjection {
  const { name, version, on, keys, listing, partitions = 1 } = declaration
  if (!Number.isInteger(version) || version < 1) {
    throw new ConfigurationError(`Projection ${name} has version ${version}. Versions are whole numbers from 1.`)
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX) {
    throw new ConfigurationError(`Projection ${name} has ${partitions} partitions. It may have 1 to ${PARTITIONS_MAX}.`)
  }
  // A Map, because an event named "constructor" would be found on a plain object.
  const handlers = new Map(Object.entries<Evolve<Document, never>>(on))
  return {
    name,
    version,
    eventTypes: [...handlers.keys()],
    partitions,
    keyedByStream: keys === undefined,
    keysOf(event) {
      if (!handlers.has(event.type)) return []
      return keys === undefined ? [event.key] : [...new Set(keys(event as EventEnvelope<Events[keyof Events]>))]
    },
    evolve: (document, event, key) =>
      handlers.get(event.type)?.(document as Document | undefined, event as EventEnvelope<never>, key) ?? undefined,
    listingOf: (document, key) => listing?.(document as Document, key),
  }
}

/** The partition that builds a document. */
export function partitionOf(key: string, partitions: number): number {
  return partitions === 1 ? 0 : fnv1a(key) % partitions
}

/** FNV-1a of 32 bits over UTF-16 code units: the same on every machine, and in every version of the library. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/** The name of a partition's checkpoint, which counts positions of an event store. */
export function partitionCheckpoint(partition: number, partitions: number): string {
  return `${partition}/${partitions}`
}

/** The position that every partition has reached; 0 as long as one has not begun. */
export function reachedByAll(checkpoints: ReadonlyMap<string, number>): number {
  const [name = '0/0'] = checkpoints.keys()
  const partitions = Number(name.slice(name.indexOf('/') + 1))
  return partitions === 0 || checkpoints.size < partitions ? 0 : Math.min(...checkpoints.values())
}

/** Documents while events are applied to them: what was loaded, and what became of it. */
export class Drafts {
  readonly #projection: DocumentProjection
  readonly #loaded: ReadonlyMap<string, StoredDocument>
  readonly #documents = new Map<string, unknown>()

  constructor(projection: DocumentProjection, loaded: ReadonlyMap<string, StoredDocument>) {
    this.#projection = projection
    this.#loaded = loaded
  }

  apply(event: EventEnvelope, key: string): void {
    const before = this.#documents.has(key) ? this.#documents.get(key) : this.#loaded.get(key)?.document
    this.#documents.set(key, this.#projection.evolve(before, event, key))
  }

  /** What has to be written. @throws Unlisted */
  changes(): readonly DocumentChange[] {
    const changes: DocumentChange[] = []
    for (const [key, document] of this.#documents) {
      const before = this.#loaded.get(key)
      if (document === undefined && before === undefined) continue
      const listing = document === undefined ? undefined : this.#listing(document, key)
      changes.push({ key, document, listing, before })
    }
    return changes
  }

  #listing(document: unknown, key: string): Listing | undefined {
    try {
      return this.#projection.listingOf(document, key)
    } catch (cause) {
      throw new Unlisted('A document has no place in the lists.', { cause })
    }
  }
}
