import type { EventStore } from 'seaworthy/event-sourcing'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type DocumentProjection, fnv1a } from './document-projection.ts'
import { type UpcastTypes, envelopeOf } from './stored-event.ts'

export interface ReplayOptions {
  readonly projection: DocumentProjection
  readonly source: EventStore
  readonly events?: UpcastTypes | undefined
  readonly signal?: AbortSignal | undefined
}

const PAGE = 1_000

/** Which events of a store are read again. */
export interface EventRange {
  readonly after: number
  readonly upTo: number
  /** Whether nothing is asked of a document: an event of its alone need not be readable. */
  readonly isLeftOut: (key: string) => boolean
}

/** Events after a position up to another one, for those of a projection's types. */
export async function* eventsBetween(
  {
    projection,
    source,
    events,
    signal,
  }: Omit<ReplayOptions, 'projection'> & { readonly projection: Pick<DocumentProjection, 'eventTypes' | 'keyedByStream'> },
  { after, upTo, isLeftOut }: EventRange,
): AsyncGenerator<EventEnvelope> {
  const types = new Set(projection.eventTypes)
  for (let position = after; position < upTo;) {
    signal?.throwIfAborted()
    const page = await source.readAll({ after: position, max: PAGE })
    if (page.length === 0) return
    for (const stored of page) {
      if (stored.position > upTo) return
      if (!types.has(stored.type) || (projection.keyedByStream && isLeftOut(stored.stream))) continue
      yield envelopeOf(stored, events)
    }
    position = page.at(-1)!.position
  }
}

/** Some documents of a projection, built in memory. */
export interface Sample {
  readonly documents: ReadonlyMap<string, unknown>
  /** Whether a key would be in the sample if it had a document. */
  has(key: string): boolean
}

/**
 * Builds some documents from the first event up to a position. Which ones is decided while it reads: those whose keys have the smallest hashes under the
 * seed (the bottom-k sketch of Cohen and Kaplan, 2007), so that every key is as likely as any other, and each of them is seen from its first event on.
 * @param options `without`: keys that are left out
 */
export async function replaySample(
  options: ReplayOptions,
  { upTo, size, seed, without }: { upTo: number; size: number; seed: string; without: ReadonlySet<string> },
): Promise<Sample> {
  const { projection } = options
  const documents = new Map<string, unknown>()
  let hashMax = 0xffffffff
  const has = (key: string) => fnv1a(`${seed}${key}`) <= hashMax && !without.has(key)
  for await (const event of eventsBetween(options, { after: 0, upTo, isLeftOut: (key) => without.has(key) })) {
    for (const key of projection.keysOf(event)) {
      if (has(key)) documents.set(key, projection.evolve(documents.get(key), event, key))
    }
    // Twice as many before any is let go: so it is sorted seldom.
    if (documents.size > 2 * size) hashMax = keepSmallest(documents, seed, size)
  }
  if (documents.size > size) hashMax = keepSmallest(documents, seed, size)
  return { documents, has }
}

/** @returns the largest hash that is kept */
function keepSmallest(documents: Map<string, unknown>, seed: string, size: number): number {
  const hashes = [...documents.keys()].map((key) => fnv1a(`${seed}${key}`)).toSorted((one, other) => one - other)
  const hashMax = hashes[size - 1]!
  for (const key of documents.keys()) if (fnv1a(`${seed}${key}`) > hashMax) documents.delete(key)
  return hashMax
}
