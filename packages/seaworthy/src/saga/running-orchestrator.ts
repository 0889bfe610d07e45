import {
  type CallContext,
  type Clock,
  type Database,
  type Random,
  type Transaction,
  ConfigurationError,
  SeaworthyError,
  contextOrRoot,
  propagated,
  sleep,
  systemClock,
  systemRandom,
} from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type ByHand, type Decision, decideAbort, decideRetry, decideSkip, noSuchSaga } from './by-hand.ts'
import type { Saga } from './definition.ts'
import { type RunEnvironment, eventSlot } from './environment.ts'
import { SagaPruner } from './retention.ts'
import { SagaRuns, isStop, stoppedReason } from './runs.ts'
import { type SagaRecord, type SagaStatus, type SagaStore, type StoredSaga, isDecided, isSettled, versionOf } from './saga-store.ts'
import type { Orchestrator, OrchestratorOptions, WaitOptions } from './orchestrator.ts'
import { Slots } from './slots.ts'
import { Waiters } from './waiters.ts'
import { WorkerLease, workerOf } from './worker-lease.ts'

const CONCURRENCY_MAX = 64
const SAGAS_MAX = 10_000
const RESUME_SPREAD_MS = 2_000
const STOP_TIMEOUT_MS = 3_000
const LEASE_TTL_MS = 15_000
/** How often a wait looks for what other processes did. */
const ELSEWHERE_MS = 500

/** The sagas of one process: who starts them, takes them up, wakes them, and drives each. */
export class RunningOrchestrator implements Orchestrator {
  readonly #store: SagaStore
  readonly #database: Database
  readonly #clock: Clock
  readonly #random: Random
  readonly #sagas = new Map<string, Saga<never>>()
  readonly #resumeSpreadMs: number
  readonly #stopTimeoutMs: number
  readonly #lease: WorkerLease | undefined
  readonly #environment: RunEnvironment
  readonly #stopping = new AbortController()
  readonly #abandoned = new AbortController()
  readonly #runs: SagaRuns
  readonly #waiters = new Waiters()
  readonly #pruner: SagaPruner | undefined
  #alive: Promise<void> | undefined
  #pruning: Promise<void> | undefined

  constructor(options: OrchestratorOptions) {
    this.#store = options.store
    this.#database = options.database
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#resumeSpreadMs = options.resumeSpreadMs ?? RESUME_SPREAD_MS
    this.#stopTimeoutMs = options.stopTimeoutMs ?? STOP_TIMEOUT_MS
    for (const saga of options.sagas) {
      const key = versionOf({ saga: saga.name, version: saga.version })
      if (this.#sagas.has(key)) {
        throw new ConfigurationError(`Saga ${saga.name} version ${saga.version} is given twice. Raise the version of the newer one.`)
      }
      this.#sagas.set(key, saga)
    }
    this.#environment = {
      store: options.store,
      database: options.database,
      clock: this.#clock,
      random: this.#random,
      slots: new Slots(options.concurrencyMax ?? CONCURRENCY_MAX),
      owner: workerOf(options.instance),
      stopping: this.#stopping.signal,
      abandoned: this.#abandoned.signal,
      treatUnknownAsFailed: options.unsafe?.unknownOutcome === 'treat-as-failed',
      onStatus: options.onStatus,
      onMoved: (record) => this.#waiters.tell(record),
      onDue: (id) => this.#runs.onDue(id),
      callOff: (id, reason) => this.#callOff(id, reason),
      report: options.onError ?? warn,
    }
    if (options.leases !== undefined) {
      const { owner, clock } = this.#environment
      this.#lease = new WorkerLease({ leases: options.leases, owner, ttlMs: options.leaseTtlMs ?? LEASE_TTL_MS, clock })
    }
    const { retention = {} } = options
    if (retention !== 'keep-all') {
      const { store, clock, random, report } = this.#environment
      this.#pruner = new SagaPruner({ store, clock, random, retention, report: (error) => report(error, undefined) })
    }
    this.#runs = new SagaRuns({
      environment: this.#environment,
      sagas: this.#sagas,
      sagasMax: options.sagasMax ?? SAGAS_MAX,
      lease: this.#lease,
      onLoaded: (record) => this.#waiters.tell(record),
    })
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
    if (!this.#sagas.has(versionOf({ saga: name, version }))) {
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
    if (!this.#runs.mayOwn || this.#runs.isFull) {
      const isNew = await this.#store.start(tx, record, null, [])
      if (isNew) tx.afterCommit(() => this.#runs.onDue(id))
      return isNew
    }
    // Its first step begins with it: one commit less. Not a pivot, which must not be in doubt before it was called.
    const [first] = saga.steps
    const begins = (first?.kind === 'compensatable' || first?.kind === 'no-compensation') && !this.#environment.treatUnknownAsFailed
    const journal = begins ? ([{ step: first.name, kind: 'started', attempt: 1, atMs: now }] as const) : []
    const isNew = await this.#store.start(tx, record, this.#environment.owner, journal)
    const stored: StoredSaga = { record: { ...record, input: throughJson(input) }, journal, token: 1 }
    if (isNew) tx.afterCommit(() => this.#runs.launch(id, 0, { stored, ...(begins && { begunAtStart: first.name }) }))
    return isNew
  }

  async tell(
    tx: Transaction,
    sagaId: string,
    event: Pick<EventEnvelope, 'type' | 'data'>,
    { key }: { key?: string } = {},
  ): Promise<'taken' | 'early' | 'duplicate' | 'too-late'> {
    const news = { sagaId, slot: eventSlot(event.type, key), data: event.data, nowMs: this.#clock.now() }
    const { told, status } = await this.#store.tell(tx, news)
    tx.afterCommit(() => this.#runs.onDue(sagaId))
    if (told === 'expired') return 'too-late'
    if (told === 'known') return 'duplicate'
    if (status === undefined) return 'early'
    return status === 'running' ? 'taken' : 'too-late'
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
    const waiting = this.#waiters.next(id, isEnough, done.signal)
    try {
      const nothing = this.#nothingFor(timeoutMs, [done.signal, ...(signal === undefined ? [] : [signal])])
      nothing.catch(() => undefined)
      for (;;) {
        // Looked up after the waiter stands, or a saga that moves in between would be missed.
        const record = this.#runs.recordOf(id) ?? (await this.#store.load(id))?.record
        if (record === undefined) throw noSuchSaga(id)
        if (isEnough(record.status)) return record
        if (this.#lease === undefined) return await Promise.race([waiting, nothing])
        const look = sleep(this.#clock, ELSEWHERE_MS, done.signal).then(() => 'look' as const)
        look.catch(() => undefined)
        const outcome = await Promise.race([waiting, nothing, look])
        if (outcome !== 'look') return outcome
      }
    } finally {
      done.abort()
    }
  }

  async resume(): Promise<number> {
    if (this.#lease !== undefined) {
      await this.#lease.extend()
      this.#alive ??= this.#stayAlive(this.#lease)
    }
    this.#pruning ??= this.#pruner?.run(this.#stopping.signal)
    return this.#runs.takeUp(this.#resumeSpreadMs)
  }

  retry(id: string, by: ByHand): Promise<void> {
    return this.#byHand(id, (stored) => decideRetry(stored, by, this.#clock.now()))
  }

  skip(id: string, { step, result }: { step: string; result?: unknown }, by: ByHand): Promise<void> {
    return this.#byHand(id, (stored, saga) => decideSkip(saga, stored, { step, result }, by, this.#clock.now()))
  }

  abort(id: string, by: ByHand): Promise<void> {
    return this.#byHand(id, (stored, saga) => decideAbort(saga, stored, by, this.#clock.now()))
  }

  async stop(): Promise<void> {
    this.#stopping.abort(stoppedReason())
    const ended = this.#runs.ended()
    const done = new AbortController()
    const timeout = sleep(this.#clock, this.#stopTimeoutMs, done.signal).catch(() => undefined)
    await Promise.race([ended, timeout])
    done.abort()
    this.#abandoned.abort(stoppedReason())
    await ended
    await Promise.all([this.#alive, this.#pruning])
    if (this.#lease !== undefined) await this.#leave(this.#lease)
  }

  /** Gives back what it has, so that others need not wait until its lease ends. */
  async #leave(lease: WorkerLease): Promise<void> {
    try {
      await this.#store.release(this.#environment.owner)
      await lease.release()
    } catch (error) {
      this.#environment.report(error, undefined)
    }
  }

  /** Shows that it lives, and looks for what others left, until the orchestrator stops. Never rejects. */
  async #stayAlive(lease: WorkerLease): Promise<void> {
    const stopping = this.#stopping.signal
    while (!stopping.aborted) {
      // Not all at one time: processes that were deployed together would look together.
      await sleep(this.#clock, lease.restMs * (0.75 + this.#random.float() / 4), stopping).catch(() => undefined)
      if (stopping.aborted) return
      try {
        await lease.extend()
        await this.#runs.takeUp(this.#resumeSpreadMs)
      } catch (error) {
        this.#environment.report(error, undefined)
      }
    }
  }

  async #callOff(id: string, reason: string): Promise<void> {
    try {
      const by: ByHand = { actor: 'parent', note: reason }
      await this.#byHand(id, (stored, saga) => decideAbort(saga, stored, by, this.#clock.now(), reason))
    } catch (error) {
      // It has turned back by itself, is over, or cannot turn back any more: its end will be told.
      if (!(error instanceof SeaworthyError && error.final)) throw error
    }
  }

  /** Takes the saga from whoever has it, and lets it go on as it was decided. */
  async #byHand(id: string, decide: (stored: StoredSaga, saga: Saga<never>) => Decision): Promise<void> {
    const { onStatus } = this.#environment
    await this.#database.transaction(async (tx) => {
      const stored = await this.#store.lock(tx, id)
      if (stored === undefined) throw noSuchSaga(id)
      const { record, token } = stored
      const { to, reason, entries } = decide(stored, this.#runs.definitionOf(stored))
      const atMs = this.#clock.now()
      const after: SagaRecord = { ...record, status: to, reason: record.reason ?? reason, updatedAtMs: atMs }
      const rest = { wakeAtMs: 0 }
      await this.#store.advance(tx, id, { token, from: record.status, to, reason: after.reason, entries, rest, atMs })
      await onStatus?.(tx, after)
      tx.afterCommit(() => this.#runs.onDue(id))
    })
  }

  /** Settles after the time, or when the orchestrator has stopped: nothing will settle here then. */
  async #nothingFor(timeoutMs: number, signals: readonly AbortSignal[]): Promise<undefined> {
    try {
      await sleep(this.#clock, timeoutMs, AbortSignal.any([...signals, this.#abandoned.signal]))
    } catch (error) {
      if (!isStop(error)) throw error
    }
    return undefined
  }
}

function throughJson<Value>(value: Value): Value {
  const text: string | undefined = JSON.stringify(value ?? null)
  return JSON.parse(text) as Value
}

function warn(error: unknown, sagaId: string | undefined): void {
  process.emitWarning(`Saga ${sagaId ?? 'recovery'} is held up: ${error instanceof Error ? error.message : String(error)}`, {
    code: 'SEAWORTHY_SAGA',
  })
}
