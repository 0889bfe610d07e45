import { type Clock, ConflictError, sleep, systemClock } from 'seaworthy/core'
import { checksum } from './checksum.ts'
import { partitionCheckpoint, partitionOf, reachedByAll } from './document-projection.ts'
import { allParked } from './parked-documents.ts'
import type { ModelVersion, ReadStore, StoredDocument } from './read-store.ts'
import { type ReplayOptions, type Sample, eventsBetween, replaySample } from './replayed-sample.ts'

/** A document that is not what it should be; `undefined` where there is none. */
export interface Difference {
  readonly key: string
  readonly stored: unknown
  readonly expected: unknown
}

export interface VerifyOptions extends ReplayOptions {
  readonly store: ReadStore
  readonly clock?: Clock
}

const KEYS_AT_ONCE = 250
const DIFFERENCES_MAX = 100

/**
 * Builds a sample of the documents again from the first event and compares checksums with what is stored, while the version is being built on.
 * @returns the keys that were compared, and the first documents that differ
 */
export async function differencesFromReplay(
  model: ModelVersion,
  options: VerifyOptions & { readonly size: number; readonly seed: string },
): Promise<{ readonly compared: readonly string[]; readonly differences: readonly Difference[] }> {
  const { store } = options
  const upTo = reachedByAll(await store.checkpoints(model))
  // What stands still is as it is on purpose, and its events cannot be replayed.
  const without = new Set((await allParked(store, model)).map(({ key }) => key))
  const sample = await replaySample(options, { upTo, size: options.size, seed: options.seed, without })
  const compared = [...new Set([...sample.documents.keys(), ...(await strays(model, store, sample))])]
  const differences: Difference[] = []
  for (const { checkpoint, keys } of chunks(compared, options.projection.partitions)) {
    const { position, documents, parked } = await store.load(model, { checkpoint, keys })
    const moving = keys.filter((key) => !parked.has(key))
    const before = new Map(moving.map((key) => [key, sample.documents.get(key)]))
    const expected = await forward(before, { after: upTo, upTo: position }, options)
    for (const [key, document] of expected) {
      const stored = documents.get(key)
      if (differs(stored, document, options, key)) differences.push({ key, stored: stored?.document, expected: document })
    }
    if (differences.length > DIFFERENCES_MAX) break
  }
  return { compared, differences }
}

/** Stored documents that would be in the sample, and of which the replay knows nothing. */
async function strays(model: ModelVersion, store: ReadStore, sample: Sample): Promise<readonly string[]> {
  const found: string[] = []
  for (let after = ''; ;) {
    const keys = await store.keys(model, { after, max: 1_000 })
    found.push(...keys.filter((key) => sample.has(key) && !sample.documents.has(key)))
    const last = keys.at(-1)
    if (last === undefined || found.length > DIFFERENCES_MAX) return found
    after = last
  }
}

/** Groups of keys that share a checkpoint. */
function chunks(keys: readonly string[], partitions: number): readonly { readonly checkpoint: string; readonly keys: readonly string[] }[] {
  const byPartition = Map.groupBy(keys, (key) => partitionOf(key, partitions))
  return [...byPartition].flatMap(([partition, own]) => {
    const checkpoint = partitionCheckpoint(partition, partitions)
    return Array.from({ length: Math.ceil(own.length / KEYS_AT_ONCE) }, (_, index) => ({
      checkpoint,
      keys: own.slice(index * KEYS_AT_ONCE, (index + 1) * KEYS_AT_ONCE),
    }))
  })
}

/**
 * Documents of some keys, brought forward by the events between two positions.
 * @returns those that could be: the others will stand still
 */
async function forward(
  documents: Map<string, unknown>,
  between: { readonly after: number; readonly upTo: number },
  options: VerifyOptions,
): Promise<ReadonlyMap<string, unknown>> {
  const { projection } = options
  for await (const event of eventsBetween(options, { ...between, isLeftOut: (key) => !documents.has(key) })) {
    for (const key of projection.keysOf(event).filter((key) => documents.has(key))) {
      try {
        documents.set(key, projection.evolve(documents.get(key), event, key))
      } catch {
        documents.delete(key)
      }
    }
  }
  return documents
}

function differs(stored: StoredDocument | undefined, document: unknown, { projection }: VerifyOptions, key: string): boolean {
  if (stored === undefined || document === undefined) return stored?.document !== document
  return checksum(stored.document, stored.listing) !== checksum(document, projection.listingOf(document, key))
}

/** A document of two versions; `undefined` where one has none. */
export interface ChangedDocument {
  readonly key: string
  readonly live: unknown
  readonly next: unknown
}

const LOOKS_MAX = 500
const LOOK_MS = 10

/**
 * The documents that are others in the live version, when both have got equally far.
 * @throws ConflictError when the live one does not get on
 */
export async function differencesFromLive(
  model: ModelVersion,
  options: VerifyOptions & { readonly against: ModelVersion; readonly keys: readonly string[] },
): Promise<readonly ChangedDocument[]> {
  const { store, projection, keys, against, clock = systemClock, signal } = options
  const changed: ChangedDocument[] = []
  for (const { checkpoint, keys: some } of chunks(keys, projection.partitions)) {
    for (let look = 1; ; look++) {
      const next = await store.load(model, { checkpoint, keys: some })
      const live = await store.load(against, { checkpoint, keys: some })
      // Of the two, only the new one's code is here to bring a document forward.
      if (next.position <= live.position) {
        // What stands still in either is not at one position with the other.
        const moving = some.filter((key) => !next.parked.has(key) && !live.parked.has(key))
        const documents = new Map(moving.map((key) => [key, next.documents.get(key)?.document]))
        const then = await forward(documents, { after: next.position, upTo: live.position }, options)
        for (const [key, document] of then) {
          const stored = live.documents.get(key)
          if (differs(stored, document, options, key)) changed.push({ key, live: stored?.document, next: document })
        }
        break
      }
      if (look === LOOKS_MAX) {
        throw new ConflictError(
          `Version ${against.version} of ${model.projection} stayed behind version ${model.version}, in ${LOOKS_MAX} looks. Is it still built on, and in as many partitions?`,
        )
      }
      await sleep(clock, LOOK_MS, signal)
    }
  }
  return changed
}
