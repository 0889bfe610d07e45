import {
  type Backoff,
  type CallContext,
  type Clock,
  type Database,
  type Random,
  type Timer,
  type Transaction,
  ConfigurationError,
  SeaworthyError,
  backoffMs,
  contextOrRoot,
  exponential,
  newId,
  propagated,
  sleep,
  systemClock,
  systemRandom,
  withContext,
} from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type ByHand, type Decision, decideAbort, decideRetry, decideSkip, noSuchSaga } from './by-hand.ts'
import { whyStranded } from './check.ts'
import type { Saga } from './definition.ts'
import { MovedElsewhere, type RunEnvironment, eventSlot } from './environment.ts'
import { StrandedSagaError } from './errors.ts'
import { SagaJournal } from './journal.ts'
import { SagaRun } from './run.ts'
import {
  type SagaClaim,
  type SagaRecord,
  type SagaStatus,
  type SagaStore,
  type StoredSaga,
  isDecided,
  isSettled,
  versionOf,
} from './saga-store.ts'
import type { Orchestrator, OrchestratorOptions, WaitOptions } from './orchestrator.ts'
import { Slots } from './slots.ts'
import { Waiters } from './waiters.ts'
import { WorkerLease } from './worker-lease.ts'

const CONCURRENCY_MAX = 64
const SAGAS_MAX = 10_000
const RESUME_SPREAD_MS = 2_000
const STOP_TIMEOUT_MS = 3_000
const LEASE_TTL_MS = 15_000
/** How often a wait looks for what other processes did. */
const ELSEWHERE_MS = 500
const LOAD_BACKOFF: Backoff = exponential({ baseMs: 20, maxMs: 5_000, jitter: 'equal' })

/** The sagas of one process: who starts them, takes them up, wakes them, and drives each. */
export class RunningOrchestrator implements Orchestrator {
  readonly #store: SagaStore
  readonly #database: Database
  readonly #clock: Clock
  readonly #random: Random
  readonly #sagas = new Map<string, Saga<never>>()
  readonly #sagasMax: number
  readonly #resumeSpreadMs: number
  readonly #stopTimeoutMs: number
  readonly #lease: WorkerLease | undefined
  readonly #environment: RunEnvironment
  readonly #stopping = new AbortController()
  readonly #abandoned = new AbortController()
  readonly #runs = new Map<string, Promise<void>>()
  /** What was to be taken up while it was just being looked at, or left. */
  readonly #again = new Map<string, KnownSaga>()
  readonly #driving = new Map<string, SagaRun>()
  readonly #waiters = new Waiters()
  readonly #stranded = new Set<string>()
  #due: Timer | undefined
  #alive: Promise<void> | undefined
  /** Some unfinished sagas are in the store alone, because memory was full. */
  #overflowed = false

  constructor(options: OrchestratorOptions) {
    this.#store = options.store
    this.#database = options.database
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#sagasMax = options.sagasMax ?? SAGAS_MAX
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
      owner: newId(),
      stopping: this.#stopping.signal,
      abandoned: this.#abandoned.signal,
      treatUnknownAsFailed: options.unsafe?.unknownOutcome === 'treat-as-failed',
      onStatus: options.onStatus,
      onMoved: (record) => this.#waiters.tell(record),
      onDue: (id) => this.#onDue(id),
      callOff: (id, reason) => this.#callOff(id, reason),
      report: options.onError ?? warn,
    }
    if (options.leases !== undefined) {
      const { owner, clock } = this.#environment
      this.#lease = new WorkerLease({ leases: options.leases, owner, ttlMs: options.leaseTtlMs ?? LEASE_TTL_MS, clock })
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
    if (!this.#mayOwn() || this.#runs.size >= this.#sagasMax) {
      const isNew = await this.#store.start(tx, record, null, [])
      if (isNew) tx.afterCommit(() => this.#onDue(id))
      return isNew
    }
    // Its first step begins with it: one commit less. Not a pivot, which must not be in doubt before it was called.
    const [first] = saga.steps
    const begins = (first?.kind === 'compensatable' || first?.kind === 'no-compensation') && !this.#environment.treatUnknownAsFailed
    const journal = begins ? ([{ step: first.name, kind: 'started', attempt: 1, atMs: now }] as const) : []
    const isNew = await this.#store.start(tx, record, this.#environment.owner, journal)
    const stored: StoredSaga = { record: { ...record, input: throughJson(input) }, journal, token: 1 }
    if (isNew) tx.afterCommit(() => this.#launch(id, 0, { stored, ...(begins && { begunAtStart: first.name }) }))
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
    tx.afterCommit(() => this.#onDue(sagaId))
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
        const record = this.#driving.get(id)?.record ?? (await this.#store.load(id))?.record
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
    return this.#takeUp(this.#resumeSpreadMs)
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
    this.#stopping.abort(new StoppedError())
    this.#due?.cancel()
    const ended = Promise.allSettled(this.#runs.values())
    const done = new AbortController()
    const timeout = sleep(this.#clock, this.#stopTimeoutMs, done.signal).catch(() => undefined)
    await Promise.race([ended, timeout])
    done.abort()
    this.#abandoned.abort(new StoppedError())
    await ended
    await this.#alive
    if (this.#lease !== undefined) await this.#leave(this.#lease)
  }

  /** Gives back what it has, so that others need not wait until its lease ends. */
  async #leave(lease: WorkerLease): Promise<void> {
    try {
      await this.#store.release(this.#environment.owner, this.#clock.now())
      await lease.release()
    } catch (error) {
      this.#environment.report(error, undefined)
    }
  }

  /** Whether others see that this process lives, so that what it has is not taken for lost. */
  #mayOwn(): boolean {
    return !this.#stopping.signal.aborted && (this.#lease?.isHeld ?? true)
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
        await this.#takeUp(this.#resumeSpreadMs)
      } catch (error) {
        this.#environment.report(error, undefined)
      }
    }
  }

  /** Takes up as many as there is room for. @returns how many */
  async #takeUp(spreadMs: number): Promise<number> {
    const max = this.#sagasMax - this.#runs.size
    if (max <= 0) this.#overflowed = true
    if (max <= 0 || !this.#mayOwn()) return 0
    const dead: SagaClaim['dead'] = this.#lease === undefined ? 'others' : await this.#lease.dead(this.#store)
    const claim = { owner: this.#environment.owner, dead, versions: [...this.#sagas.keys()], nowMs: this.#clock.now(), max }
    const ids = await this.#store.claim(claim)
    if (ids.length === max) this.#overflowed = true
    for (const id of ids) this.#launch(id, this.#random.float() * spreadMs, { isClaimed: true })
    for (const record of await this.#store.strays(claim)) {
      if (this.#stranded.has(record.id)) continue
      this.#stranded.add(record.id)
      this.#environment.report(new StrandedSagaError(record, 'this process has no such version'), record.id)
    }
    await this.#watchDue()
    return ids.length
  }

  /** Sets the one timer to when the next saga that nobody has is due. */
  async #watchDue(): Promise<void> {
    if (this.#overflowed || this.#stopping.signal.aborted) return
    const dueMs = await this.#store.nextDueMs([...this.#sagas.keys()])
    this.#due?.cancel()
    if (dueMs === undefined || this.#stopping.signal.aborted) return
    this.#due = this.#clock.timer(Math.max(0, dueMs - this.#clock.now()), () => void this.#takeUpDue(), { keepAlive: false })
  }

  /** Takes up what is due, however long the store fails. Never rejects. */
  async #takeUpDue(): Promise<void> {
    for (let failures = 1; !this.#stopping.signal.aborted; failures++) {
      try {
        await this.#takeUp(0)
        return
      } catch (error) {
        this.#environment.report(error, undefined)
      }
      await this.#backOff(failures)
    }
  }

  /** A saga was started, or told something. */
  #onDue(id: string): void {
    const driving = this.#driving.get(id)
    if (driving === undefined) this.#launch(id, 0)
    else driving.look()
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
      const { to, reason, entries } = decide(stored, this.#definitionOf(stored))
      const atMs = this.#clock.now()
      const after: SagaRecord = { ...record, status: to, reason: record.reason ?? reason, updatedAtMs: atMs }
      const rest = { wakeAtMs: atMs }
      await this.#store.advance(tx, id, { token, from: record.status, to, reason: after.reason, entries, rest, atMs })
      await onStatus?.(tx, after)
      tx.afterCommit(() => this.#onDue(id))
    })
  }

  #launch(id: string, delayMs: number, known: KnownSaga = {}): void {
    if (this.#stopping.signal.aborted) return
    if (this.#runs.has(id)) {
      this.#again.set(id, known)
      return
    }
    if (this.#runs.size >= this.#sagasMax) {
      this.#overflowed = true
      if (known.stored !== undefined) void this.#giveBack(known.stored, known.begunAtStart)
      return
    }
    this.#runs.set(
      id,
      this.#run(id, delayMs, known).finally(() => {
        this.#runs.delete(id)
        const again = this.#again.get(id)
        this.#again.delete(id)
        if (again !== undefined) this.#launch(id, 0, again)
        void this.#refill()
      }),
    )
  }

  /** A saga that memory has no room for is nobody's, until there is. */
  async #giveBack({ record, token }: StoredSaga, begunAtStart: string | undefined): Promise<void> {
    const atMs = this.#clock.now()
    const error = 'It was not called: this process has too many sagas.'
    const entries = begunAtStart === undefined ? [] : [{ step: begunAtStart, kind: 'failed', executed: 'no', error, atMs } as const]
    const advance = { token, from: record.status, entries, rest: { wakeAtMs: atMs }, atMs }
    for (let failures = 1; !this.#stopping.signal.aborted; failures++) {
      try {
        await this.#database.transaction((tx) => this.#store.advance(tx, record.id, advance))
        return await this.#refill()
      } catch (error) {
        this.#environment.report(error, record.id)
      }
      await this.#backOff(failures)
    }
  }

  /** Fetches sagas from the store that memory had no room for, once half of the room is free. Never rejects. */
  async #refill(): Promise<void> {
    for (let failures = 0; this.#overflowed && this.#runs.size <= this.#sagasMax / 2 && !this.#stopping.signal.aborted;) {
      this.#overflowed = false
      try {
        await this.#takeUp(0)
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

  /** Drives one saga to its end, or until it rests. Never rejects. */
  async #run(id: string, delayMs: number, known: KnownSaga): Promise<void> {
    const stopping = this.#stopping.signal
    let { stored, begunAtStart, isClaimed = stored !== undefined } = known
    try {
      if (delayMs > 0) await sleep(this.#clock, delayMs, stopping)
      for (let failures = 0; !stopping.aborted;) {
        try {
          isClaimed ||= await this.#claim(id)
          stored ??= await this.#store.load(id)
          if (stored === undefined) return
          // Whoever waits for it here may not have heard how it ended elsewhere.
          this.#waiters.tell(stored.record)
          if (!isClaimed || isSettled(stored.record.status)) return
          await this.#drive(stored, begunAtStart)
          return
        } catch (error) {
          ;[stored, begunAtStart, isClaimed] = [undefined, undefined, isClaimed && !(error instanceof MovedElsewhere)]
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

  async #drive(stored: StoredSaga, begunAtStart: string | undefined): Promise<void> {
    const { id, context } = stored.record
    const saga = this.#definitionOf(stored)
    const journal = new SagaJournal(this.#environment, saga, stored)
    const run = new SagaRun(this.#environment, saga, journal, begunAtStart)
    this.#driving.set(id, run)
    try {
      // The saga's own context: not the deadline, nor the trace, of whoever's commit woke it.
      await withContext({ ...context }, () => run.drive())
    } finally {
      this.#driving.delete(id)
    }
    if (!isSettled(journal.record.status)) await this.#watchDue()
  }

  async #claim(id: string): Promise<boolean> {
    if (!this.#mayOwn()) return false
    const claim = { owner: this.#environment.owner, dead: [], versions: [...this.#sagas.keys()], nowMs: this.#clock.now(), max: 1, id }
    return (await this.#store.claim(claim)).length > 0
  }

  #definitionOf({ record, journal }: StoredSaga): Saga<never> {
    const saga = this.#sagas.get(versionOf(record))
    const why = whyStranded(saga, record, journal)
    if (saga === undefined || why !== undefined) throw new StrandedSagaError(record, why ?? 'the code has no such version')
    return saga
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
}

/** Why sagas leave this process unfinished. Never reaches a caller. */
class StoppedError extends SeaworthyError {
  constructor() {
    super('saga-stopped', 'The orchestrator was stopped. The saga goes on from its journal when it is resumed.', { executed: 'maybe' })
  }
}

/** What is known of a saga that is taken up. */
interface KnownSaga {
  /** It was started here: this is what was stored. */
  readonly stored?: StoredSaga
  readonly begunAtStart?: string
  readonly isClaimed?: boolean
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
