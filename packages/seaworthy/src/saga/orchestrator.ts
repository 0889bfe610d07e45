import {
  type Backoff,
  type CallContext,
  type Clock,
  type Database,
  type Random,
  type Transaction,
  ConfigurationError,
  NotFoundError,
  SeaworthyError,
  backoffMs,
  contextOrRoot,
  exponential,
  propagated,
  sleep,
  systemClock,
  systemRandom,
  withContext,
} from 'seaworthy/core'
import type { Saga } from './definition.ts'
import { StrandedSagaError } from './errors.ts'
import { MovedElsewhere, type RunEnvironment, SagaRun } from './run.ts'
import type { JournalEntry, SagaRecord, SagaStatus, SagaStore } from './saga-store.ts'
import { Slots } from './slots.ts'

export interface OrchestratorOptions {
  /** Every saga, and every version of it, that may be under way. */
  readonly sagas: readonly Saga<never>[]
  readonly store: SagaStore
  readonly database: Database
  /**
   * Called in the transaction of each change of status after the start, so that the owner's rows and outbox messages change with it. It may
   * run again when the transaction fails, so it does nothing but use `tx`.
   */
  readonly onStatus?: (tx: Transaction, record: SagaRecord) => Promise<void>
  /** Told what holds a saga up that is not its step's fault: the database, `onStatus`, missing code. Default: a process warning. */
  readonly onError?: (error: unknown, sagaId: string | undefined) => void
  /** Steps in progress at a time. A saga that backs off takes no part. Default 64. */
  readonly concurrencyMax?: number
  /** Sagas held in memory; the others wait in the store. Default 10,000. */
  readonly sagasMax?: number
  /** Over how long `resume` spreads the sagas that it finds. Default 2,000 ms. */
  readonly resumeSpreadMs?: number
  /** How long `stop` waits for steps in progress. Default 3,000 ms. */
  readonly stopTimeoutMs?: number
  readonly clock?: Clock
  readonly random?: Random
  /**
   * For tests that show what a rule is for. `treat-as-failed`: an unknown outcome is neither asked again nor undone, and money is lost.
   * @internal
   */
  readonly unsafe?: { readonly unknownOutcome: 'treat-as-failed' }
}

export interface WaitOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export interface Orchestrator {
  /**
   * Stores a saga in the caller's transaction; it runs once that has committed.
   * @returns false when a saga of this id was started before: it is left as it is
   * @throws ConfigurationError when the saga is not one of the orchestrator's
   */
  start<Input>(
    tx: Transaction,
    saga: Saga<Input>,
    options: { readonly id: string; readonly input: NoInfer<Input>; readonly context?: CallContext },
  ): Promise<boolean>
  /**
   * Waits until the saga is completed, compensated or parked, by this process.
   * @returns its record; undefined when that takes longer than `timeoutMs`, or the orchestrator stops before
   * @throws NotFoundError for an unknown id; the signal's reason
   */
  settled(id: string, options: WaitOptions): Promise<SagaRecord | undefined>
  /**
   * As `settled`, but no longer than until it is known how the saga ends: one that turned back is answered as `compensating`, with its reason,
   * while its steps are still being undone. For whoever waits for the outcome, and not for the clearing up.
   */
  decided(id: string, options: WaitOptions): Promise<SagaRecord | undefined>
  /** Takes up all that is unfinished, spread over a while so that the services they call are not stormed. Call it at boot. @returns how many */
  resume(): Promise<number>
  /** Sagas in this process. */
  readonly active: number
  /** Begins no new step, waits a while for those in progress, and leaves the rest to the journal. */
  stop(): Promise<void>
}

const CONCURRENCY_MAX = 64
const SAGAS_MAX = 10_000
const RESUME_SPREAD_MS = 2_000
const STOP_TIMEOUT_MS = 3_000
const LOAD_BACKOFF: Backoff = exponential({ baseMs: 20, maxMs: 5_000, jitter: 'equal' })

/** Runs sagas: one after another their steps, many sagas side by side, all of it in the journal. */
export function orchestrator(options: OrchestratorOptions): Orchestrator {
  return new JournaledOrchestrator(options)
}

/** True when nothing moves the saga any more but a person. */
export function isSettled(status: SagaStatus): boolean {
  return status === 'completed' || status === 'compensated' || status === 'parked'
}

function isDecided(status: SagaStatus): boolean {
  return status !== 'running'
}

class JournaledOrchestrator implements Orchestrator {
  readonly #store: SagaStore
  readonly #clock: Clock
  readonly #random: Random
  readonly #sagas = new Map<string, Saga<never>>()
  readonly #sagasMax: number
  readonly #resumeSpreadMs: number
  readonly #stopTimeoutMs: number
  readonly #environment: RunEnvironment
  readonly #stopping = new AbortController()
  readonly #abandoned = new AbortController()
  readonly #runs = new Map<string, Promise<void>>()
  readonly #waiters = new Map<string, Set<(record: SagaRecord) => void>>()
  readonly #stranded = new Set<string>()
  /** Some unfinished sagas are in the store alone, because memory was full. */
  #overflowed = false

  constructor(options: OrchestratorOptions) {
    this.#store = options.store
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#sagasMax = options.sagasMax ?? SAGAS_MAX
    this.#resumeSpreadMs = options.resumeSpreadMs ?? RESUME_SPREAD_MS
    this.#stopTimeoutMs = options.stopTimeoutMs ?? STOP_TIMEOUT_MS
    for (const saga of options.sagas) {
      if (this.#sagas.has(versionKey(saga.name, saga.version))) {
        throw new ConfigurationError(`Saga ${saga.name} version ${saga.version} is given twice. Raise the version of the newer one.`)
      }
      this.#sagas.set(versionKey(saga.name, saga.version), saga)
    }
    this.#environment = {
      store: options.store,
      database: options.database,
      clock: this.#clock,
      random: this.#random,
      slots: new Slots(options.concurrencyMax ?? CONCURRENCY_MAX),
      stopping: this.#stopping.signal,
      abandoned: this.#abandoned.signal,
      treatUnknownAsFailed: options.unsafe?.unknownOutcome === 'treat-as-failed',
      onStatus: options.onStatus,
      onMoved: (record) => this.#tellWaiters(record),
      report: options.onError ?? warn,
    }
  }

  get active(): number {
    return this.#runs.size
  }

  async start<Input>(
    tx: Transaction,
    saga: Saga<Input>,
    options: { id: string; input: NoInfer<Input>; context?: CallContext },
  ): Promise<boolean> {
    const { id, input, context = contextOrRoot() } = options
    const { name, version } = saga
    if (!this.#sagas.has(versionKey(name, version))) {
      throw new ConfigurationError(`Saga ${name} version ${version} is not one of this orchestrator's. Add it to \`sagas\`.`)
    }
    const now = this.#clock.now()
    const record: SagaRecord = {
      id,
      saga: name,
      version,
      status: 'running',
      input,
      context: propagated(context),
      reason: undefined,
      startedAtMs: now,
      updatedAtMs: now,
    }
    const isNew = await this.#store.start(tx, record)
    if (isNew) tx.afterCommit(() => this.#launch(id, 0))
    return isNew
  }

  settled(id: string, options: WaitOptions): Promise<SagaRecord | undefined> {
    return this.#until(isSettled, id, options)
  }

  decided(id: string, options: WaitOptions): Promise<SagaRecord | undefined> {
    return this.#until(isDecided, id, options)
  }

  async #until(isEnough: (status: SagaStatus) => boolean, id: string, { timeoutMs, signal }: WaitOptions): Promise<SagaRecord | undefined> {
    signal?.throwIfAborted()
    const done = new AbortController()
    const waiting = this.#nextMoved(id, isEnough, done.signal)
    try {
      // Looked up after the waiter stands, or a saga that moves in between would be missed.
      const loaded = await this.#store.load(id)
      if (loaded === undefined) throw new NotFoundError(`There is no saga ${id}. It was never started, or its start was rolled back.`)
      if (isEnough(loaded.record.status)) return loaded.record
      return await Promise.race([waiting, this.#nothingFor(timeoutMs, [done.signal, ...(signal === undefined ? [] : [signal])])])
    } finally {
      done.abort()
    }
  }

  async resume(): Promise<number> {
    let resumed = 0
    const max = this.#sagasMax + this.#stranded.size
    const unfinished = await this.#store.unfinished(max)
    if (unfinished.length === max) this.#overflowed = true
    for (const id of unfinished) {
      if (this.#runs.has(id) || this.#stranded.has(id)) continue
      this.#launch(id, this.#random.float() * this.#resumeSpreadMs)
      resumed++
    }
    return resumed
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new StoppedError())
    const ended = Promise.allSettled(this.#runs.values())
    const done = new AbortController()
    const timeout = sleep(this.#clock, this.#stopTimeoutMs, done.signal).catch(() => undefined)
    await Promise.race([ended, timeout])
    done.abort()
    this.#abandoned.abort(new StoppedError())
    await ended
  }

  #launch(id: string, delayMs: number): void {
    if (this.#stopping.signal.aborted || this.#runs.has(id)) return
    if (this.#runs.size >= this.#sagasMax) {
      this.#overflowed = true
      return
    }
    this.#runs.set(
      id,
      this.#run(id, delayMs).finally(() => {
        this.#runs.delete(id)
        void this.#refill()
      }),
    )
  }

  /** Fetches sagas from the store that memory had no room for, once half of the room is free. Never rejects. */
  async #refill(): Promise<void> {
    for (let failures = 0; this.#overflowed && this.#runs.size <= this.#sagasMax / 2 && !this.#stopping.signal.aborted;) {
      this.#overflowed = false
      try {
        await this.resume()
      } catch (error) {
        this.#overflowed = true
        this.#environment.report(error, undefined)
        // The last saga in memory may be the one that asks: nobody else would ask again.
        await this.#backOff(++failures)
      }
    }
  }

  /** Waits after a failure of the store, or until the orchestrator stops. */
  async #backOff(failures: number): Promise<void> {
    await sleep(this.#clock, backoffMs(LOAD_BACKOFF, failures, this.#random), this.#stopping.signal).catch(() => undefined)
  }

  /** Drives one saga to its end. Never rejects. */
  async #run(id: string, delayMs: number): Promise<void> {
    const stopping = this.#stopping.signal
    try {
      if (delayMs > 0) await sleep(this.#clock, delayMs, stopping)
      for (let failures = 0; !stopping.aborted;) {
        try {
          const loaded = await this.#store.load(id)
          if (loaded === undefined) return
          const { record, journal } = loaded
          // The saga's own context: not the deadline, nor the trace, of whoever's commit woke it.
          await withContext({ ...record.context }, () =>
            new SagaRun(this.#environment, this.#definitionOf(record, journal), record, journal).drive(),
          )
          return
        } catch (error) {
          if (error instanceof StrandedSagaError) this.#stranded.add(id)
          if (error instanceof MovedElsewhere) continue
          if (stopping.aborted || error instanceof StrandedSagaError) throw error
          this.#environment.report(error, id)
        }
        await sleep(this.#clock, backoffMs(LOAD_BACKOFF, ++failures, this.#random), stopping)
      }
    } catch (error) {
      if (!(error instanceof StoppedError)) this.#environment.report(error, id)
    }
  }

  #definitionOf(record: SagaRecord, journal: readonly JournalEntry[]): Saga<never> {
    const saga = this.#sagas.get(versionKey(record.saga, record.version))
    if (saga === undefined) throw new StrandedSagaError(record, 'this process has no such version')
    const names = new Set(saga.steps.map(({ name }) => name))
    const unknown = journal.find(({ step }) => !names.has(step))
    if (unknown !== undefined) throw new StrandedSagaError(record, `its journal has a step "${unknown.step}" that the declaration lacks`)
    return saga
  }

  /** Settles when the saga has moved to a status that is enough. */
  #nextMoved(id: string, isEnough: (status: SagaStatus) => boolean, signal: AbortSignal): Promise<SagaRecord> {
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(id) ?? new Set()
      const tell = (record: SagaRecord) => {
        if (isEnough(record.status)) resolve(record)
      }
      this.#waiters.set(id, waiters.add(tell))
      signal.addEventListener('abort', () => {
        waiters.delete(tell)
        if (waiters.size === 0 && this.#waiters.get(id) === waiters) this.#waiters.delete(id)
      })
    })
  }

  /** Settles after the time, or when the orchestrator has stopped: nothing will settle here then. */
  async #nothingFor(timeoutMs: number, signals: readonly AbortSignal[]): Promise<undefined> {
    try {
      await sleep(this.#clock, timeoutMs, AbortSignal.any([...signals, this.#abandoned.signal]))
    } catch (error) {
      if (!(error instanceof StoppedError)) throw error
    }
    return undefined
  }

  #tellWaiters(record: SagaRecord): void {
    for (const tell of this.#waiters.get(record.id) ?? []) tell(record)
  }
}

/** Why sagas leave this process unfinished. Never reaches a caller. */
class StoppedError extends SeaworthyError {
  constructor() {
    super('saga-stopped', 'The orchestrator was stopped. The saga goes on from its journal when it is resumed.', { executed: 'maybe' })
  }
}

function versionKey(name: string, version: number): string {
  return `${name}/${version}`
}

function warn(error: unknown, sagaId: string | undefined): void {
  process.emitWarning(`Saga ${sagaId ?? 'recovery'} is held up: ${error instanceof Error ? error.message : String(error)}`, {
    code: 'SEAWORTHY_SAGA',
  })
}
