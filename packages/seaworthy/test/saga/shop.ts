import { type Database, RejectedError, type Transaction, UnavailableError, UnknownOutcomeError, seededRandom } from 'seaworthy/core'
import {
  type Orchestrator,
  type OrchestratorOptions,
  type Participant,
  type SagaRecord,
  type SagaStore,
  type StepContext,
  orchestrator,
  participant,
  saga,
} from 'seaworthy/saga'
import { InMemoryTransaction, VirtualClock, inMemoryDatabase, inMemoryParticipantStore, inMemorySagaStore } from '@seaworthy/testing'

/**
 * What becomes of one call:
 * - `ok`: it takes effect and is answered.
 * - `refused`: the service considers it and says no.
 * - `unreachable`: it never leaves.
 * - `lost-request`: it leaves and does not arrive; the caller cannot know.
 * - `lost-reply`: it takes effect, and the answer is lost.
 * - `silence`: it takes effect, and the connection hangs.
 * - `late`: it arrives only when everything is over.
 */
export type Fate = 'ok' | 'refused' | 'unreachable' | 'lost-request' | 'lost-reply' | 'silence' | 'late'

/** The fates of the calls under one key, in order; the last one goes on for ever. */
export type Script = readonly [...Fate[], Fate]

export type StepName = 'reserve' | 'charge' | 'book' | 'confirm'

export interface Plan {
  /** Of the actions. Default: all of them go well. */
  readonly act?: Partial<Record<StepName, Script>>
  /** Of the compensations. */
  readonly undo?: Partial<Record<StepName, Script>>
}

/** The services that a checkout calls, as one: they never die here, and what they did can be counted. */
export class Services {
  readonly participant: Participant
  /** Effects by key: 1 when done, 0 when undone, 2 when the customer paid twice. */
  readonly effects = new Map<string, number>()
  /** Calls in the order in which they arrived: `reserve`, `undo charge`. */
  readonly arrived: string[] = []
  readonly #database = inMemoryDatabase()
  readonly #plan: Plan
  readonly #calls = new Map<string, number>()
  readonly #late: (() => Promise<unknown>)[] = []

  constructor(plan: Plan = {}, unsafe?: { readonly idempotencyKeys: 'ignored' }) {
    this.#plan = plan
    this.participant = participant({ database: this.#database, store: inMemoryParticipantStore(), ...(unsafe && { unsafe }) })
  }

  act(step: StepName, key: string, signal: AbortSignal | undefined): Promise<string> {
    const fate = this.#fate(this.#plan.act?.[step], key)
    return this.#deliver(fate, signal, () => {
      this.arrived.push(step)
      return this.participant.act(key, step, async (tx) => {
        this.#change(tx, key, 1)
        if (fate === 'refused') throw new RejectedError(`no ${step}`, 'The service says no.')
        return `${step} done`
      })
    })
  }

  undo(step: StepName, key: string, signal: AbortSignal | undefined): Promise<unknown> {
    const fate = this.#fate(this.#plan.undo?.[step], `undo ${key}`)
    return this.#deliver(fate, signal, () => {
      if (fate === 'refused') throw new RejectedError('cannot be undone', 'The service says no.')
      this.arrived.push(`undo ${step}`)
      return this.participant.compensate<string>(key, async (tx, result) => {
        if (result !== `${step} done`) throw new TypeError(`The compensation of ${step} got ${result}.`)
        this.#change(tx, key, -1)
      })
    })
  }

  /** Lets requests arrive that were under way all the time. */
  async deliverLate(): Promise<void> {
    for (const arrive of this.#late.splice(0)) await arrive().catch(() => undefined)
  }

  #fate(script: Script = ['ok'], call: string): Fate {
    const number = this.#calls.get(call) ?? 0
    this.#calls.set(call, number + 1)
    return script[Math.min(number, script.length - 1)]!
  }

  async #deliver<T>(fate: Fate, signal: AbortSignal | undefined, arrive: () => Promise<T>): Promise<T> {
    switch (fate) {
      case 'unreachable':
        throw new UnavailableError('Nobody is there.')
      case 'lost-request':
        throw new UnknownOutcomeError('The connection was reset.')
      case 'late':
        this.#late.push(arrive)
        throw new UnknownOutcomeError('The connection was reset.')
      case 'ok':
      case 'refused':
        return arrive()
      case 'lost-reply':
        await arrive()
        throw new UnknownOutcomeError('The connection was reset.')
      case 'silence':
        await arrive()
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    }
  }

  #change(tx: Transaction, key: string, by: number): void {
    const before = this.effects.get(key) ?? 0
    this.effects.set(key, before + by)
    InMemoryTransaction.of(tx).onRollback(() => this.effects.set(key, before))
  }
}

/** Where a process may die: before and after each commit, before each call and before its answer. */
export class CrashPoints {
  passed = 0
  diedAt: string | undefined
  readonly #at: number | undefined

  /** @param at the point to die at, from 0; never without it */
  constructor(at?: number) {
    this.#at = at
  }

  /** Passes the point; or never settles, as nothing does in a dead process. */
  async pass(what: string): Promise<void> {
    if (this.diedAt === undefined && this.passed++ !== this.#at) return
    this.diedAt ??= what
    await new Promise<never>(() => undefined)
  }
}

export const orderId = 'order-1'
const GIVE_UP_AFTER_MS = 30_000

/** The checkout as one process runs it. */
export function checkoutOf(services: Services, points: CrashPoints = new CrashPoints()) {
  const policy = { attemptTimeoutMs: 1_000, giveUpAfterMs: GIVE_UP_AFTER_MS }
  const run = (step: StepName) => async (s: StepContext<unknown, unknown>) => {
    await points.pass(`before ${step} is called`)
    const answer = await services.act(step, s.key, s.signal)
    await points.pass(`before ${step} is answered`)
    return answer
  }
  const compensate = (step: StepName) => async (s: StepContext<unknown, unknown>) => {
    await points.pass(`before ${step} is undone`)
    await services.undo(step, s.key, s.signal)
    await points.pass(`before undoing ${step} is answered`)
  }
  return saga<{ readonly orderId: string }>('checkout', { version: 1 })
    .step('reserve', { run: run('reserve'), compensate: compensate('reserve'), policy })
    .step('charge', { run: run('charge'), compensate: compensate('charge'), policy })
    .pivot('book', { run: run('book'), policy })
    .step('confirm', { run: run('confirm'), forward: true })
}

/** What outlives a process. */
export interface Disk {
  readonly database: Database
  readonly store: SagaStore
}

export function newDisk(): Disk {
  const database = inMemoryDatabase()
  return { database, store: inMemorySagaStore(database) }
}

/** One life of the process that runs the sagas. */
export class Life {
  readonly clock = new VirtualClock()
  readonly points: CrashPoints
  readonly sagas: Orchestrator
  readonly checkout: ReturnType<typeof checkoutOf>
  readonly #database: Database
  readonly #store: SagaStore

  constructor(disk: Disk, services: Services, options: Partial<OrchestratorOptions> & { dieAt?: number; seed?: number } = {}) {
    const { dieAt, seed = 1, ...others } = options
    this.points = new CrashPoints(dieAt)
    this.checkout = checkoutOf(services, this.points)
    this.#store = disk.store
    this.#database = Object.assign(Object.create(disk.database) as Database, {
      transaction: async <T>(body: (tx: Transaction) => Promise<T>) => {
        await this.points.pass('before a commit')
        const value = await disk.database.transaction(body)
        await this.points.pass('after a commit')
        return value
      },
    })
    this.sagas = orchestrator({
      sagas: [this.checkout],
      store: disk.store,
      database: this.#database,
      clock: this.clock,
      random: seededRandom(seed),
      ...others,
    })
  }

  /** Starts the checkout without waiting for the commit: the process may die before it. */
  start(id = orderId): Promise<boolean> {
    return this.#database.transaction((tx) => this.sagas.start(tx, this.checkout, { id, input: { orderId: id } }))
  }

  /** Lets time pass until the saga is over, the process is dead, or nothing more happens. */
  async live(id = orderId): Promise<SagaRecord | undefined> {
    for (let moment = 0; moment < 5_000; moment++) {
      if (this.points.diedAt !== undefined) return undefined
      const record = (await this.#store.load(id))?.record
      if (record?.status === 'completed' || record?.status === 'compensated' || record?.status === 'parked') {
        await this.clock.advance(0)
        return record
      }
      await this.clock.advanceToNext()
    }
    throw new Error(`Saga ${id} did not come to an end.`)
  }
}
