import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { dropSqliteSide, type Mapping, type Phase, storedOwnership } from '@seaworthy/strangler/cut-over'
import type { DataDirectoryPaths } from '@seaworthy/supervisor'
import { type Clock, ConfigurationError, systemClock } from 'seaworthy/core'
import { migrate, openSqliteDatabase, type SqliteDatabase } from 'seaworthy/sqlite'
import { monolith } from '../monolith/composition.ts'
import type { Module } from '../monolith/domain/modules.ts'
import { sqliteSchema, sqliteStores } from '../platform/engines/embedded.ts'
import { movingSchema } from '../platform/moving-data.ts'
import { PARTS } from '../platform/engines/stores.ts'
import type { ServiceComposition } from '../platform/service-ports.ts'
import { catalogMapping } from '../services/catalog/contract/monolith-mapping.ts'
import { catalog } from '../services/catalog/composition.ts'
import { customersMapping } from '../services/customers/contract/monolith-mapping.ts'
import { customers } from '../services/customers/composition.ts'
import { reviewsMapping } from '../services/reviews/contract/monolith-mapping.ts'
import { reviews } from '../services/reviews/composition.ts'
import { copyEntities } from './copy-entities.ts'
import { dataStage, recordStage } from './data-stage.ts'
import { sendWaiting } from './send-waiting.ts'
import { STAGES, stageOf } from './stages.ts'

interface Move {
  readonly service: ServiceComposition
  readonly mapping: Mapping
}

const MOVES: Readonly<Record<Module, Move>> = {
  reviews: { service: reviews, mapping: reviewsMapping },
  catalog: { service: catalog, mapping: catalogMapping },
  customers: { service: customers, mapping: customersMapping },
}

export interface MoveOptions {
  /** Of a shop that does not run. */
  readonly paths: DataDirectoryPaths
  readonly hasData: (service: string) => Promise<boolean>
  readonly to: number
  /** Told of each stage that was reached. */
  readonly onStage: (reached: StageReached) => void
  readonly signal: AbortSignal
  readonly clock?: Clock
}

interface StageReached {
  readonly stage: number
  readonly module: Module
  readonly entities: number
  readonly written: number
}

/**
 * Moves the data of a shop that does not run to a stage, one stage after another, forwards or back. Each is copied and compared, and written down when it is
 * reached; broken off, it is still at the last one that was written down, and goes on from there when it is asked again. What was left behind is not deleted.
 * @returns the stage that it was at
 * @throws DataDiffersError, ConfigurationError when there is nothing to move, SqliteOwnedError when a process still has a database
 */
export async function moveData({ paths, hasData, to, onStage, signal, clock = systemClock }: MoveOptions): Promise<number> {
  stageOf(to)
  const data = await dataStage({ dataDir: paths.path, storage: 'embedded', hasData })
  if (data.kind === 'none') {
    throw new ConfigurationError(`There is no data in ${paths.path} yet. A new shop begins at any stage: npm start -- --stage ${to}.`)
  }
  // Before there is data in a second place.
  recordStage(paths.path, 'embedded', data.stage)
  for (let stage = data.stage; stage !== to;) {
    const isForwards = to > stage
    const next = stage + (isForwards ? 1 : -1)
    const module = STAGES[Math.max(stage, next)]!.moved.at(-1)!
    const moved = await moveModule(module, isForwards ? 'new' : 'old', { paths, clock, signal })
    recordStage(paths.path, 'embedded', next)
    onStage({ stage: next, module, ...moved })
    stage = next
  }
  return data.stage
}

async function moveModule(
  module: Module,
  to: 'new' | 'old',
  { paths, clock, signal }: { readonly paths: DataDirectoryPaths; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<{ readonly entities: number; readonly written: number }> {
  const { service, mapping } = MOVES[module]
  await using stack = new AsyncDisposableStack()
  const open = async (composition: ServiceComposition) =>
    stack.adopt(await openDatabase(composition, paths, signal), (database) => database.close())
  const [old, renewed] = [await open(monolith()), await open(service)]
  const [source, target] = to === 'new' ? [old, renewed] : [renewed, old]
  // What the service has owned while the shop ran comes to the monolith for the last time.
  const isOwned = await isOwnedByService(mapping, renewed)
  const copy = isOwned ? ({ to: 'old', source: renewed, target: old } as const) : { to, source, target }
  const { topic } = mapping
  if (topic !== undefined) {
    // Either may have some, by where the shop was stopped: who does not own the data has what was told before.
    for (const database of [copy.target, copy.source])
      await sendWaiting({ topic, eventLog: paths.eventLog, outbox: sqliteStores(database).outbox(), clock, signal })
  }
  // The one first that has taken nothing but the feed; the owner's last, so that at each moment what is left says truly where the data is.
  await dropSqliteSide({ mapping, database: copy.target, isForgotten: true })
  const copied = await copyEntities({ mapping, ...copy, signal })
  await dropSqliteSide({ mapping, database: copy.source, isForgotten: true })
  return copied
}

/**
 * Whether the service owned the data when the shop was stopped in the middle of a move.
 * @throws ConfigurationError when it is on its way back, and each side has something that the other has not
 */
async function isOwnedByService(mapping: Mapping, service: SqliteDatabase): Promise<boolean> {
  const phase = (await storedOwnership(mapping.name, service))?.phase
  if (phase === 'returning') {
    throw new ConfigurationError(
      `${mapping.name} is on its way back to the monolith. Start the shop once more (npm start), stop it after a minute, and ask again.`,
    )
  }
  return phase !== undefined && OWNED_BY_SERVICE.has(phase)
}

/** Of a move that was broken off in the middle of its way back, too: the monolith takes no writes before that has come to its end. */
const OWNED_BY_SERVICE: ReadonlySet<Phase> = new Set(['new', 'switching-back', 'retired'])

/** A service's database as its own process opens it. */
async function openDatabase(
  { service, schema, stores = [], ...moving }: ServiceComposition,
  paths: DataDirectoryPaths,
  signal: AbortSignal,
): Promise<SqliteDatabase> {
  const folder = join(paths.services, service.name)
  mkdirSync(folder, { recursive: true })
  const database = await openSqliteDatabase({ path: join(folder, `${service.name}.db`), signal })
  try {
    await migrate(database, sqliteSchema({ schema: [...movingSchema(moving), ...schema], stores: [...PARTS, ...stores] }))
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}
