import { type Database, type Transaction, ConfigurationError, SeaworthyError } from 'seaworthy/core'
import type { AppendOnlyLog } from 'seaworthy/messaging'
import type { Capture } from './capture.ts'
import { EntityTables } from './entity-tables.ts'
import { CaptureLostError } from './errors.ts'
import type { Mapping, SideName } from './mapping.ts'
import { isStep } from './ownership.ts'
import type { Applied, Batch, Entity, SetAsideKey, Side, SideState, Step, StepTaken } from './side.ts'
import type { SideTable } from './side-table.ts'

/** Writes an entity in the side's own way, such as commands to its aggregates, in the feed's transaction. Called again with the same: it makes what is there equal to it. */
export type WriteEntity = (tx: Transaction, wanted: Entity, present: Entity) => Promise<void>

/** What a side tells of its data. */
export interface ToldEvents {
  unsent(): Promise<number>
  /** Where this side's process publishes; undefined where it publishes through the other side. */
  readonly log: Pick<AppendOnlyLog, 'append'> | undefined
}

export interface DatabaseSideParts {
  readonly mapping: Mapping
  readonly side: SideName
  readonly database: Database
  readonly table: SideTable
  readonly capture: Capture
  readonly write: WriteEntity | undefined
  /** Undefined where the mapping has no topic. */
  readonly told?: ToldEvents | undefined
}

/** A side in a database. The engines differ in how they capture. */
export class DatabaseSide implements Side {
  readonly #parts: DatabaseSideParts
  readonly #entities: EntityTables

  constructor(parts: DatabaseSideParts) {
    this.#parts = parts
    this.#entities = new EntityTables(parts.mapping[parts.side], parts.capture.spelling)
  }

  async state(): Promise<SideState> {
    await this.#parts.capture.notice()
    return this.#present(await this.#parts.table.read(this.#parts.database))
  }

  take(step: Step): Promise<StepTaken> {
    const { database, table, capture } = this.#parts
    return database.transaction(async (tx) => {
      await capture.quiesce(tx)
      const state = this.#present(await table.read(tx, 'update'))
      const head = await capture.head(tx)
      if (!this.#mayTake(state, step)) return { taken: false, state, head }
      await table.move(tx, state, step, head)
      return { taken: true, state: this.#present(await table.read(tx)), head }
    })
  }

  #mayTake(state: SideState, step: Step): boolean {
    // The new side decides, step by step. The old side follows, and may have missed some.
    if (state.side === 'old') return step.epoch > state.epoch
    if (step.epoch !== state.epoch + 1 || !isStep(state.phase, step.phase)) return false
    if (step.drainedTo === undefined) return true
    return state.copy.stage === 'done' && state.position >= step.drainedTo && !state.hasParked
  }

  async head(): Promise<{ readonly position: number }> {
    return { position: await this.#parts.capture.head() }
  }

  changes: Side['changes'] = (request) => this.#parts.capture.changes(request)

  lag: Side['lag'] = (request) => this.#parts.capture.lag(request)

  async trim({ upTo }: { readonly upTo: number }): Promise<object> {
    const { database, table, capture } = this.#parts
    await database.transaction(async (tx) => {
      await capture.trim(tx, upTo)
      await table.capturedFrom(tx, upTo)
    })
    return {}
  }

  strays: Side['strays'] = async (request) => ({ strays: await this.#parts.capture.strays(request) })

  scan: Side['scan'] = async ({ after, max }) => ({ keys: await this.#entities.scan(this.#parts.database, after, max) })

  read: Side['read'] = async ({ keys, upTo }) => ({
    entities: await this.#parts.capture.reading(upTo, (from) => this.#entities.read(from, keys)),
  })

  async apply(batch: Batch): Promise<Applied> {
    const { database, table, capture } = this.#parts
    let current: string | undefined
    try {
      return await database.transaction(async (tx): Promise<Applied> => {
        const state = this.#present(await table.read(tx, 'update'))
        // A feeder that stood still: what it read may be older than what was written since.
        if (state.epoch !== batch.epoch || state.revision !== batch.revision || state.gate === 'open') return { kind: 'outdated' }
        await capture.beginFeed(tx)
        const present = await this.#entities.read(
          tx,
          batch.entities.map(({ key }) => key),
        )
        const write = this.#parts.write ?? this.#entities.replace.bind(this.#entities)
        for (const [index, entity] of batch.entities.entries()) {
          current = entity.key
          // One that was given back has been written here since: what is fed now is older.
          if (state.gate === 'held' && !(await table.isHeld(tx, entity.key))) continue
          await write(tx, entity, present[index]!)
          await table.unpark(tx, entity.key)
          // The other side is closed: there is nothing more to come under this key.
          if (state.gate === 'held') await table.giveBack(tx, entity.key)
        }
        current = undefined
        for (const key of batch.parked) await table.park(tx, key)
        // A copy that begins again makes what was verified before worthless.
        const verifiedAtMs = batch.copy.stage === 'done' ? state.verifiedAtMs : 0
        await table.advance(tx, batch.position, batch.copy, verifiedAtMs)
        await capture.endFeed(tx)
        return { kind: 'applied', revision: state.revision + 1 }
      })
    } catch (error) {
      if (current === undefined || !isAboutValues(error)) throw error
      return { kind: 'refused', key: current, reason: (error as Error).message }
    }
  }

  setAside: Side['setAside'] = async ({ kind, max }) => ({ keys: await this.#setAside(kind, max) })

  #setAside(kind: 'held' | 'parked', max: number): Promise<readonly SetAsideKey[]> {
    return this.#parts.table.setAside(this.#parts.database, kind, max)
  }

  async verified({ epoch, atMs }: { readonly epoch: number; readonly atMs: number }): Promise<object> {
    await this.#parts.database.transaction((tx) => this.#parts.table.verified(tx, epoch, atMs))
    return {}
  }

  async unsent(): Promise<{ readonly events: number }> {
    return { events: (await this.#parts.told?.unsent()) ?? 0 }
  }

  publish: Side['publish'] = async ({ topic, events, upTo }) => {
    const { mapping, told } = this.#parts
    if (told?.log === undefined || topic !== mapping.topic)
      throw new ConfigurationError(`This side of ${mapping.name} does not publish on ${topic}. Open it with the log that it appends to.`)
    const { gate, copy, position } = await this.state()
    if (gate !== 'closed' || copy.stage !== 'done' || position < upTo) return { published: false }
    await told.log.append(topic, events)
    return { published: true }
  }

  #present(state: SideState | undefined): SideState {
    if (state !== undefined) return state
    const { mapping, side } = this.#parts
    throw new CaptureLostError(mapping.name, `the ${side} side was not prepared. Call prepare() once, where it is opened.`)
  }
}

/** Whether the database cannot hold what it was given, rather than being away or busy. */
function isAboutValues(error: unknown): boolean {
  return error instanceof SeaworthyError && (error.code === 'constraint' || error.final)
}
