import { type Clock, type Database, type Random, ConflictError, SeaworthyError, systemRandom } from 'seaworthy/core'
import type { EventStore } from 'seaworthy/event-sourcing'
import { assertNone, movedMeanwhile, nothingToGoBackTo, stillBehind, within } from './switch-outcome.ts'
import type { SwitchOutcome } from './read-store.ts'
import type { ProjectionStore } from './projection-store.ts'
import type { UpcastTypes } from './stored-event.ts'
import type { SwitchReport } from './switch.ts'
import { type TableProjection, holdCheckpoint, showTables } from './table-projection.ts'
import { checkTables } from './table-verify.ts'
import type { ChangedDocument } from './verify.ts'

export interface SwitchTablesOptions {
  readonly projection: TableProjection
  readonly source: EventStore
  /** Of the read model. */
  readonly database: Database
  readonly store: ProjectionStore
  readonly events?: UpcastTypes
  /** How many keys are built again from the first event, and their rows compared with what is stored. Default 1,000. */
  readonly sampleSize?: number
  /** Says whether the rows of a key of the sample may differ from those of the live version: both are given by table. Default: any may. */
  readonly mayDiffer?: (change: ChangedDocument) => boolean
  /** For catching up, before the check and after it. Default 60,000 ms. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  readonly clock?: Clock
  readonly random?: Random
}

const SAMPLE_SIZE = 1_000
const TIMEOUT_MS = 60_000
// How long readers that come wait behind one that is long at it, before the switch steps back and tries again.
const LOCK_MS = 500

/**
 * Puts the tables of a version in the place of those of the live one, as {@link switchVersion} does with documents: it has caught up, its rows are what a replay
 * makes of a sample of keys, and queries see it at once, by views that change in one transaction.
 * @throws SwitchBlockedError with what differs; TimeoutError when it does not catch up; ConflictError when somebody else switched meanwhile
 */
export async function switchTables(options: SwitchTablesOptions): Promise<SwitchReport> {
  const { projection, store, source, sampleSize = SAMPLE_SIZE, random = systemRandom, mayDiffer = () => true } = options
  const { name, version } = projection
  const model = { projection: name, version }
  const waiting = { timeoutMs: TIMEOUT_MS, ...options }
  const { live } = await store.versions(name)
  if (live === version) return { from: live, to: live, compared: 0, differing: 0 }
  const head = await source.head()
  await within(
    waiting,
    `Version ${version} of ${name} did not catch up with its events`,
    async () => (await store.checkpoint(name, version)) >= head,
  )
  const { compared, differences, changed } = await checkTables({ ...options, live, sampleSize, seed: String(random.float()) })
  assertNone(differences, `of ${compared.length} keys are not what a replay from the first event makes of them`, model)
  const unexpected = changed.filter((change) => !mayDiffer(change))
  assertNone(
    unexpected.map(({ key, live, next }) => ({ key, stored: next, expected: live })),
    `of ${compared.length} keys differ from those of version ${live}, and should not`,
    model,
  )
  let outcome: SwitchOutcome = 'behind'
  await within(waiting, `Version ${version} of ${name} did not catch up with version ${live}`, async () => {
    outcome = await makeLive({ ...options, from: live, evenIfBehind: false })
    return outcome !== 'behind'
  })
  if ((outcome as SwitchOutcome) === 'moved') throw movedMeanwhile(name)
  return { from: live, to: version, compared: compared.length, differing: changed.length }
}

/**
 * Lets queries see the version again that was live before the last switch.
 * @param options `projection`: as it is declared in that version; `from`: the version to go back from; `evenIfBehind`: also when nobody built the old one on, so
 * that readers see something older
 * @throws ConflictError when `from` is not live, when that version was not the one before, or when it is behind
 */
export async function goBackTables(
  options: Pick<SwitchTablesOptions, 'projection' | 'database' | 'store' | 'clock'> & {
    readonly from: number
    readonly evenIfBehind?: boolean
  },
): Promise<{ readonly from: number; readonly to: number }> {
  const { projection, store, from, evenIfBehind = false } = options
  const { name, version: to } = projection
  const { live, previous } = await store.versions(name)
  if (live !== from) throw new ConflictError(`Version ${live} of ${name} is live, and not ${from}. Somebody else switched before.`)
  if (previous !== to) throw nothingToGoBackTo(name, { live, to })
  const outcome = await makeLive({ ...options, evenIfBehind })
  if (outcome === 'switched') return { from, to }
  throw outcome === 'moved' ? movedMeanwhile(name) : stillBehind(name, { from, to })
}

/** Drops the tables of a version that nobody builds any more. @returns false, and drops nothing, when it is live */
export async function removeTables({
  projection,
  database,
  store,
}: Pick<SwitchTablesOptions, 'projection' | 'database' | 'store'>): Promise<boolean> {
  const { name, version, tables, tableOf } = projection
  return database.transaction(async (tx) => {
    await holdCheckpoint(tx, store, projection)
    if ((await store.versions(name, tx)).live === version) return false
    for (const table of Object.keys(tables)) await tx.execute({ sql: `DROP TABLE IF EXISTS ${tableOf(table)}` })
    await store.forget(tx, name, version)
    return true
  })
}

async function makeLive(
  options: Pick<SwitchTablesOptions, 'projection' | 'database' | 'store'> & { readonly from: number; readonly evenIfBehind: boolean },
): Promise<SwitchOutcome> {
  const { projection, database, store, from, evenIfBehind } = options
  const { name, version: to } = projection
  try {
    return await database.transaction(async (tx): Promise<SwitchOutcome> => {
      if (database.dialect === 'postgres') await tx.execute({ sql: `SET LOCAL lock_timeout = ${LOCK_MS}` })
      // Held in one order, so that two that switch at one time do not wait for each other.
      const positions = new Map<number, number>()
      for (const version of [from, to].toSorted((one, other) => one - other)) {
        if (version > 0) positions.set(version, await holdCheckpoint(tx, store, { ...projection, version }))
      }
      if (!evenIfBehind && positions.get(to)! < (positions.get(from) ?? 0)) return 'behind'
      if (!(await store.makeLive(tx, name, { from, to }))) return 'moved'
      await showTables(tx, projection)
      return 'switched'
    })
  } catch (error) {
    // Somebody reads for long. Those that come after must not wait behind us.
    if (error instanceof SeaworthyError && error.code === 'database-busy') return 'behind'
    throw error
  }
}
