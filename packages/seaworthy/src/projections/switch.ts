import { type Clock, type Random, ConflictError, systemRandom } from 'seaworthy/core'
import { reachedByAll } from './document-projection.ts'
import { allParked } from './parked-documents.ts'
import type { ModelVersion, ReadStore, SwitchOutcome } from './read-store.ts'
import type { ReplayOptions } from './replayed-sample.ts'
import { KEYS_SHOWN, assertNone, movedMeanwhile, nothingToGoBackTo, stillBehind, within } from './switch-outcome.ts'
import { type ChangedDocument, differencesFromLive, differencesFromReplay } from './verify.ts'

export interface SwitchOptions extends ReplayOptions {
  readonly store: ReadStore
  /** How many documents are built again from the first event, to be compared with what is stored. Default 1,000. */
  readonly sampleSize?: number
  /**
   * Says whether a document of the sample may differ from that of the live version, where the new version is to change some and leave the others.
   * Default: any may.
   */
  readonly mayDiffer?: (change: ChangedDocument) => boolean
  /** For catching up, before the check and after it. Default 60,000 ms. */
  readonly timeoutMs?: number
  readonly clock?: Clock
  readonly random?: Random
}

export interface SwitchReport {
  /** The version that answered before; 0 when there was none. */
  readonly from: number
  readonly to: number
  /** Documents that were built again from the first event and are stored just so. */
  readonly compared: number
  /** Those among them that differ from the live version's, as they may. */
  readonly differing: number
}

/**
 * Documents of the version stand still that move in the live one, or have got further there: readers would see something older. Nothing was switched. Mend the
 * projection and requeue them.
 */
export class SwitchParkedError extends ConflictError {
  /** Keys of the first ones. */
  readonly keys: readonly string[]

  constructor(message: string, keys: readonly string[]) {
    super(message)
    this.keys = keys
  }
}

const SAMPLE_SIZE = 1_000
const TIMEOUT_MS = 60_000

/**
 * Puts a version in the place of the live one: waits until it has caught up, compares a sample of its documents with a replay from the first event, and
 * switches all readers at once. The old version stays, to go back to by {@link goBack} as long as it is built on.
 * @throws SwitchBlockedError with what differs; SwitchParkedError with what stands still; TimeoutError when it does not catch up; ConflictError when somebody else
 * switched meanwhile
 */
export async function switchVersion(options: SwitchOptions): Promise<SwitchReport> {
  const { projection, store, sampleSize = SAMPLE_SIZE, random = systemRandom } = options
  const model = { projection: projection.name, version: projection.version }
  const { live } = await store.versions(projection.name)
  if (live === projection.version) return { from: live, to: live, compared: 0, differing: 0 }
  await caughtUp(model, options)
  // Before anything is compared. The switch itself looks again.
  const parked = await standingStillFor(store, model, live)
  if (parked.length > 0) throw standingStill(model, live, parked)
  const seed = String(random.float())
  const { compared, differences } = await differencesFromReplay(model, { ...options, size: sampleSize, seed })
  assertNone(differences, `documents of ${compared.length} are not what a replay from the first event makes of them`, model)
  const against = { projection: projection.name, version: live }
  const changed = live === 0 ? [] : await differencesFromLive(model, { ...options, against, keys: compared })
  const { mayDiffer = () => true } = options
  const unexpected = changed.filter((change) => !mayDiffer(change))
  assertNone(
    unexpected.map(({ key, live, next }) => ({ key, stored: next, expected: live })),
    `documents of ${compared.length} differ from those of version ${live}, and should not`,
    model,
  )
  await makeLive(model, live, options)
  return { from: live, to: projection.version, compared: compared.length, differing: changed.length }
}

/**
 * Makes the version live again that was so before the last switch.
 * @param options `from`: the version to go back from, so that going back twice does not lead forward again; `evenIfBehind`: also when nobody built the
 * old one on, or documents of it stand still, so that readers see something older
 * @throws ConflictError when `from` is not live, when there is none before it, or when that is behind; SwitchParkedError
 */
export async function goBack(
  store: ReadStore,
  projection: string,
  { from, evenIfBehind = false }: { readonly from: number; readonly evenIfBehind?: boolean },
): Promise<{ readonly from: number; readonly to: number }> {
  const { live, previous } = await store.versions(projection)
  if (live !== from) throw new ConflictError(`Version ${live} of ${projection} is live, and not ${from}. Somebody else switched before.`)
  if (previous === 0) throw nothingToGoBackTo(projection, { live })
  const outcome = await store.makeLive(projection, { from, to: previous, evenIfBehind })
  if (outcome === 'switched') return { from, to: previous }
  if (outcome === 'parked') throw await parkedIn(store, { projection, version: previous }, from)
  throw outcome === 'moved' ? movedMeanwhile(projection) : stillBehind(projection, { from, to: previous })
}

async function caughtUp({ projection, version }: ModelVersion, options: SwitchOptions): Promise<void> {
  const { store, source } = options
  // Where events never stop coming, nobody is at their end for long. How close is close enough, the switch itself decides.
  const head = await source.head()
  await within({ timeoutMs: TIMEOUT_MS, ...options }, `Version ${version} of ${projection} did not catch up with its events`, async () => {
    return reachedByAll(await store.checkpoints({ projection, version })) >= head
  })
}

async function makeLive({ projection, version }: ModelVersion, live: number, options: SwitchOptions): Promise<void> {
  let outcome: SwitchOutcome = 'behind'
  await within(
    { timeoutMs: TIMEOUT_MS, ...options },
    `Version ${version} of ${projection} did not catch up with version ${live}`,
    async () => {
      outcome = await options.store.makeLive(projection, { from: live, to: version })
      return outcome !== 'behind'
    },
  )
  if ((outcome as SwitchOutcome) === 'moved') throw movedMeanwhile(projection)
  if ((outcome as SwitchOutcome) === 'parked') throw await parkedIn(options.store, { projection, version }, live)
}

async function parkedIn(store: ReadStore, model: ModelVersion, live: number): Promise<SwitchParkedError> {
  return standingStill(model, live, await standingStillFor(store, model, live))
}

function standingStill(model: ModelVersion, live: number, parked: readonly string[]): SwitchParkedError {
  return new SwitchParkedError(
    `Version ${model.version} of ${model.projection} does not become live: ${parked.length} of its documents stand still which go on in version ${live}, ${parked.slice(0, KEYS_SHOWN).join(', ')} among them. Mend the projection, requeue them, and switch again.`,
    parked,
  )
}

/** Keys of documents that are parked in a version, and not in the live one or at a later event there. */
async function standingStillFor(store: ReadStore, model: ModelVersion, live: number): Promise<readonly string[]> {
  const parked = await allParked(store, model)
  if (parked.length === 0) return []
  const there = new Map((await allParked(store, { ...model, version: live })).map(({ key, waiting }) => [key, waiting[0]!]))
  return parked.filter(({ key, waiting }) => waiting[0]! < (there.get(key) ?? Infinity)).map(({ key }) => key)
}
