import { type Backoff, type Timer, SeaworthyError, backoffMs, exponential, sleep, withContext } from 'seaworthy/core'
import { whyStranded } from './check.ts'
import type { Saga } from './definition.ts'
import { MovedElsewhere, type RunEnvironment } from './environment.ts'
import { StrandedSagaError } from './errors.ts'
import { SagaJournal } from './journal.ts'
import { SagaRun } from './run.ts'
import { type SagaClaim, type SagaRecord, type StoredSaga, isSettled, versionOf } from './saga-store.ts'
import type { WorkerLease } from './worker-lease.ts'

const LOAD_BACKOFF: Backoff = exponential({ baseMs: 20, maxMs: 5_000, jitter: 'equal' })

/** What is known of a saga that is taken up. */
interface KnownSaga {
  /** It was started here: this is what was stored. */
  readonly stored?: StoredSaga
  readonly begunAtStart?: string
  readonly isClaimed?: boolean
}

/** Why sagas leave this process unfinished. Never reaches a caller. */
class StoppedError extends SeaworthyError {
  constructor() {
    super('saga-stopped', 'The orchestrator was stopped. The saga goes on from its journal when it is resumed.', { executed: 'maybe' })
  }
}

export const stoppedReason = (): unknown => new StoppedError()
export const isStop = (error: unknown): boolean => error instanceof StoppedError

/** The sagas that one process has in memory: how they get there, when they leave, and which of those in the store are due. */
export class SagaRuns {
  readonly #environment: RunEnvironment
  readonly #sagas: ReadonlyMap<string, Saga<never>>
  readonly #sagasMax: number
  readonly #lease: WorkerLease | undefined
  readonly #onLoaded: (record: SagaRecord) => void
  readonly #runs = new Map<string, Promise<void>>()
  /** What was to be taken up while it was just being looked at, or left. */
  readonly #again = new Map<string, KnownSaga>()
  readonly #driving = new Map<string, SagaRun>()
  readonly #stranded = new Set<string>()
  #due: Timer | undefined
  /** Some unfinished sagas are in the store alone, because memory was full. */
  #overflowed = false

  constructor(options: {
    environment: RunEnvironment
    /** By {@link versionOf}. */
    sagas: ReadonlyMap<string, Saga<never>>
    sagasMax: number
    lease: WorkerLease | undefined
    onLoaded: (record: SagaRecord) => void
  }) {
    this.#environment = options.environment
    this.#sagas = options.sagas
    this.#sagasMax = options.sagasMax
    this.#lease = options.lease
    this.#onLoaded = options.onLoaded
  }

  get size(): number {
    return this.#runs.size
  }

  get isFull(): boolean {
    return this.#runs.size >= this.#sagasMax
  }

  /** How a saga stands that is driven here. */
  recordOf(id: string): SagaRecord | undefined {
    return this.#driving.get(id)?.record
  }

  /** Takes up nothing more that becomes due. Settles when none is driven any more. */
  async ended(): Promise<void> {
    this.#due?.cancel()
    await Promise.allSettled(this.#runs.values())
  }

  /** Whether others see that this process lives, so that what it has is not taken for lost. */
  get mayOwn(): boolean {
    return !this.#environment.stopping.aborted && (this.#lease?.isHeld ?? true)
  }

  /** Takes up as many as there is room for. @returns how many */
  async takeUp(spreadMs: number): Promise<number> {
    const max = this.#sagasMax - this.#runs.size
    if (max <= 0) this.#overflowed = true
    if (max <= 0 || !this.mayOwn) return 0
    const dead: SagaClaim['dead'] = this.#lease === undefined ? 'others' : await this.#lease.dead(this.#environment.store)
    const claim = { owner: this.#environment.owner, dead, versions: [...this.#sagas.keys()], nowMs: this.#environment.clock.now(), max }
    const ids = await this.#environment.store.claim(claim)
    if (ids.length === max) this.#overflowed = true
    for (const id of ids) this.launch(id, this.#environment.random.float() * spreadMs, { isClaimed: true })
    for (const record of await this.#environment.store.strays(claim)) {
      if (this.#stranded.has(record.id)) continue
      this.#stranded.add(record.id)
      this.#environment.report(new StrandedSagaError(record, 'this process has no such version'), record.id)
    }
    await this.#watchDue()
    return ids.length
  }

  /** Sets the one timer to when the next saga that nobody has is due. */
  async #watchDue(): Promise<void> {
    if (this.#overflowed || this.#environment.stopping.aborted) return
    const dueMs = await this.#environment.store.nextDueMs([...this.#sagas.keys()])
    this.#due?.cancel()
    if (dueMs === undefined || this.#environment.stopping.aborted) return
    this.#due = this.#environment.clock.timer(Math.max(0, dueMs - this.#environment.clock.now()), () => void this.#takeUpDue(), {
      keepAlive: false,
    })
  }

  /** Takes up what is due, however long the store fails. Never rejects. */
  async #takeUpDue(): Promise<void> {
    for (let failures = 1; !this.#environment.stopping.aborted; failures++) {
      try {
        await this.takeUp(0)
        return
      } catch (error) {
        this.#environment.report(error, undefined)
      }
      await this.#backOff(failures)
    }
  }

  /** A saga was started, or told something. */
  onDue(id: string): void {
    const driving = this.#driving.get(id)
    if (driving === undefined) this.launch(id, 0)
    else driving.look()
  }

  /** Drives the saga, unless it is driven already: then it is looked at once more. */
  launch(id: string, delayMs: number, known: KnownSaga = {}): void {
    if (this.#environment.stopping.aborted) return
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
        if (again !== undefined) this.launch(id, 0, again)
        void this.#refill()
      }),
    )
  }

  /** A saga that memory has no room for is nobody's, until there is. */
  async #giveBack({ record, token }: StoredSaga, begunAtStart: string | undefined): Promise<void> {
    const atMs = this.#environment.clock.now()
    const error = 'It was not called: this process has too many sagas.'
    const entries = begunAtStart === undefined ? [] : [{ step: begunAtStart, kind: 'failed', executed: 'no', error, atMs } as const]
    const advance = { token, from: record.status, entries, rest: { wakeAtMs: 0 }, atMs }
    for (let failures = 1; !this.#environment.stopping.aborted; failures++) {
      try {
        await this.#environment.database.transaction((tx) => this.#environment.store.advance(tx, record.id, advance))
        return await this.#refill()
      } catch (error) {
        this.#environment.report(error, record.id)
      }
      await this.#backOff(failures)
    }
  }

  /** Fetches sagas from the store that memory had no room for, once half of the room is free. Never rejects. */
  async #refill(): Promise<void> {
    for (let failures = 0; this.#overflowed && this.#runs.size <= this.#sagasMax / 2 && !this.#environment.stopping.aborted;) {
      this.#overflowed = false
      try {
        await this.takeUp(0)
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
    await sleep(this.#environment.clock, backoffMs(LOAD_BACKOFF, failures, this.#environment.random), this.#environment.stopping).catch(
      () => undefined,
    )
  }

  /** Drives one saga to its end, or until it rests. Never rejects. */
  async #run(id: string, delayMs: number, known: KnownSaga): Promise<void> {
    const stopping = this.#environment.stopping
    let { stored, begunAtStart, isClaimed = stored !== undefined } = known
    try {
      if (delayMs > 0) await sleep(this.#environment.clock, delayMs, stopping)
      for (let failures = 0; !stopping.aborted;) {
        try {
          isClaimed ||= await this.#claim(id)
          stored ??= await this.#environment.store.load(id)
          if (stored === undefined) return
          // Whoever waits for it here may not have heard how it ended elsewhere.
          this.#onLoaded(stored.record)
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
        await sleep(this.#environment.clock, backoffMs(LOAD_BACKOFF, ++failures, this.#environment.random), stopping)
      }
    } catch (error) {
      if (!(error instanceof StoppedError)) this.#environment.report(error, id)
    }
  }

  async #drive(stored: StoredSaga, begunAtStart: string | undefined): Promise<void> {
    const { id, context } = stored.record
    const saga = this.definitionOf(stored)
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
    if (!this.mayOwn) return false
    const claim = {
      owner: this.#environment.owner,
      dead: [],
      versions: [...this.#sagas.keys()],
      nowMs: this.#environment.clock.now(),
      max: 1,
      id,
    }
    return (await this.#environment.store.claim(claim)).length > 0
  }

  /** @throws StrandedSagaError */
  definitionOf({ record, journal }: StoredSaga): Saga<never> {
    const saga = this.#sagas.get(versionOf(record))
    const why = whyStranded(saga, record, journal)
    if (saga === undefined || why !== undefined) throw new StrandedSagaError(record, why ?? 'the code has no such version')
    return saga
  }
}
