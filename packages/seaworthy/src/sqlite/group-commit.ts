import { AsyncLocalStorage, type AsyncResource } from 'node:async_hooks'
import {
  type Clock,
  type Random,
  type Timer,
  LimitExceededError,
  backoffMs,
  exponential,
  faultPoint,
  nextMacrotask,
  sleep,
  runAfterCommit,
} from 'seaworthy/core'
import type { SqlConnection } from './connection.ts'
import { NestedTransactionError, SqliteClosedError, SqliteError, TransactionLostError, isBusy, typed } from './errors.ts'
import { busyError, bodyTimeout, commitError } from './commit-errors.ts'
import { writerOf } from './lock-holder.ts'
import { OpenTransaction } from './open-transaction.ts'
import type { TransactionTimes } from './transaction-times.ts'
import { WriterHistory } from './writer-history.ts'

export interface GroupCommitOptions {
  readonly clock: Clock
  readonly random: Random
  /** Transactions that wait at most, before further ones are refused. */
  readonly queueMax: number
  /** Transactions in one commit at most. */
  readonly batchSizeMax: number
  /** How long a body may take, unless its transaction says otherwise. */
  readonly timeoutMs: number
  /** How long another process may hold the write lock. */
  readonly busyTimeoutMs: number
}

export interface TransactionRequest<T> {
  readonly body: (tx: OpenTransaction) => Promise<T>
  /** The asynchronous context of the caller: the body belongs to its trace, not to that of whoever came first. */
  readonly caller: AsyncResource
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
  /** Told where its time goes, if anybody wants to know. */
  readonly times?: TransactionTimes | undefined
}

/** One transaction from its arrival to its answer. */
interface Job {
  readonly body: (tx: OpenTransaction) => Promise<unknown>
  readonly times: TransactionTimes | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly arrivedMs: number
  readonly caller: AsyncResource
  readonly answer: (value: unknown) => void
  readonly refuse: (error: unknown) => void
  /** What an abort does: leave the queue, or roll back the running body; nothing once the body has settled. */
  onAbort: () => void
  /** Listens for it from its arrival on; undefined without a signal. */
  listener: (() => void) | undefined
}

type Outcome = { readonly kind: 'done'; readonly value: unknown } | { readonly kind: 'failed'; readonly error: unknown }

/** A body that has run and waits for the commit. */
interface Done {
  readonly job: Job
  readonly value: unknown
  readonly effects: readonly (() => void)[]
}

const BUSY_RETRY = exponential({ baseMs: 2, maxMs: 100, jitter: 'full' })
// After some 30 ms of waiting: shorter ones are not worth a look.
const LOOK_FOR_WRITER_ATTEMPT = 6

// A constraint that is checked at COMMIT alone cannot be laid at one body's door: where there is one, each body commits alone.
const FIND_DEFERRED_CONSTRAINT = `SELECT 1 FROM sqlite_schema WHERE sql LIKE '%DEFERR%' LIMIT 1` // no index: a few rows, read after a change of the schema

/**
 * Group commit: bodies run strictly one after another inside one shared BEGIN IMMEDIATE, and are answered after its COMMIT, so that many callers
 * share one wait for the disk. Each has a savepoint of its own, except for the first: nothing was there before it, and taking it back takes back all.
 *
 * A batch takes in who is waiting until it is full, until nobody waits, or until a macrotask passes: a body that awaits
 * something other than `tx` keeps those waiting who came before it, and no others. Between two batches the event loop turns once;
 * without that, callers who answer each commit with the next transaction would starve timers and sockets.
 */
export class GroupCommit {
  readonly #connection: SqlConnection
  readonly #options: GroupCommitOptions
  readonly #clock: Clock
  readonly #waiting = new Set<Job>()
  readonly #history = new WriterHistory()
  readonly #inside = new AsyncLocalStorage<OpenTransaction>()
  #draining: Promise<void> | undefined
  #closed = false
  #commitsAlone = true
  /** Called at the first macrotask after the running body began. */
  #onBodyIsSlow: (() => void) | undefined

  constructor(connection: SqlConnection, options: GroupCommitOptions) {
    this.#connection = connection
    this.#options = options
    this.#clock = options.clock
    // Compelled to look at the schema before the first batch.
    connection.guard.changesSchema = true
  }

  run<T>(request: TransactionRequest<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new SqliteClosedError(this.#connection.path))
    if (this.#inside.getStore()?.open === true) return Promise.reject(new NestedTransactionError(this.#connection.path))
    if (request.signal?.aborted === true) return Promise.reject(request.signal.reason)
    if (this.#waiting.size >= this.#options.queueMax) {
      return Promise.reject(
        new LimitExceededError(
          `${this.#waiting.size} transactions wait for ${this.#connection.path}, which is its queueMax. Send less, or make the transactions shorter.`,
          { retryAfterMs: 100 },
        ),
      )
    }
    return new Promise<T>((resolve, reject) => {
      const job: Job = {
        body: request.body,
        times: request.times,
        timeoutMs: request.timeoutMs ?? this.#options.timeoutMs,
        signal: request.signal,
        arrivedMs: this.#clock.monotonicMs(),
        caller: request.caller,
        answer: (value) => resolve(value as T),
        refuse: reject,
        onAbort: () => {
          this.#waiting.delete(job)
          reject(job.signal?.reason)
        },
        listener: undefined,
      }
      job.times?.arrived(job.arrivedMs, this.#history)
      this.#listenForAbort(job)
      this.#waiting.add(job)
      this.#draining ??= this.#drain()
    })
  }

  /** Takes no more, finishes what waits, and settles when all of it is answered. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#draining
  }

  async #drain(): Promise<void> {
    while (this.#waiting.size > 0) {
      if (await this.#begin()) await this.#batch()
      await new Promise<void>((resolve) => nextMacrotask(resolve))
    }
    this.#draining = undefined
  }

  /** BEGIN IMMEDIATE, again and again while another process holds the lock. False when nobody is left who would want it. */
  async #begin(): Promise<boolean> {
    let busySinceMs: number | undefined
    for (let attempt = 1; this.#waiting.size > 0; attempt++) {
      try {
        const reached = faultPoint('database:begin')
        // Not awaited where it is nothing: what waits for its turn would see a microtask pass.
        if (reached !== undefined) await reached
        this.#connection.control('BEGIN IMMEDIATE')
        if (busySinceMs !== undefined) this.#history.free(this.#clock.monotonicMs())
        return true
      } catch (error) {
        const nowMs = this.#clock.monotonicMs()
        if (!isBusy(error)) {
          this.#refuseWaiting(() => true, typed(error, this.#connection.path))
          return false
        }
        busySinceMs ??= nowMs
        this.#history.busy(busySinceMs)
        if (attempt === LOOK_FOR_WRITER_ATTEMPT && [...this.#waiting].some(({ times }) => times !== undefined)) {
          this.#history.otherProcess = writerOf(this.#connection.path)
        }
        const limitMs = nowMs - this.#options.busyTimeoutMs
        if (busySinceMs <= limitMs) {
          this.#refuseWaiting((job) => job.arrivedMs <= limitMs, busyError(this.#connection.path, this.#options.busyTimeoutMs, error))
        }
      }
      await sleep(this.#clock, backoffMs(BUSY_RETRY, attempt, this.#options.random))
    }
    return false
  }

  #refuseWaiting(which: (job: Job) => boolean, error: unknown): void {
    for (const job of [...this.#waiting].filter(which)) {
      this.#waiting.delete(job)
      this.#forgetAbort(job)
      job.refuse(error)
    }
  }

  /** Runs bodies and commits them. The transaction is open when it begins, and over when it ends. */
  async #batch(): Promise<void> {
    const done: Done[] = []
    let bodies = 0
    let open = true
    const turn = nextMacrotask(() => {
      open = false
      this.#onBodyIsSlow?.()
    })
    for (const job of this.#waiting) {
      this.#waiting.delete(job)
      const tx = new OpenTransaction(this.#connection, job.times)
      const isFirst = bodies === 0
      const outcome = await this.#runBody(job, tx, { inSavepoint: !isFirst })
      const lost = this.#conclude(outcome, { inSavepoint: !isFirst })
      if (lost !== undefined) {
        // The engine took back everything since BEGIN: what had run before, and was waiting for the commit, as well.
        const cause = tx.lost ?? lost
        for (const earlier of done) earlier.job.refuse(new TransactionLostError(cause))
        job.refuse(new TransactionLostError(cause))
        turn.cancel()
        this.#connection.guard.changesSchema = true
        return
      }
      if (outcome.kind === 'done') done.push({ job, value: outcome.value, effects: tx.effects })
      else job.refuse(outcome.error)
      // Who still waits begins anew: there is nothing to share yet.
      if (isFirst && outcome.kind === 'failed') break
      // Those that failed count too: a caller who tries again at once would otherwise keep the batch, and the event loop, to itself.
      if (!open || ++bodies >= this.#options.batchSizeMax) break
      // Asked only where somebody would share: it looks into the schema.
      if (this.#waiting.size > 0 && this.#mustCommitAlone()) break
    }
    turn.cancel()
    const committing = this.#commit(done)
    // A microtask more, for nothing, would let those who were answered overtake the turn of the event loop between two batches.
    if (committing !== undefined) await committing
  }

  /** Keeps or takes back what the body did; without a savepoint that is left to the end of the transaction. Returns what went wrong when all of it is gone. */
  #conclude(outcome: Outcome, { inSavepoint }: { readonly inSavepoint: boolean }): unknown {
    if (!this.#connection.inTransaction) return outcome.kind === 'failed' ? outcome.error : new SqliteError('The transaction is gone.')
    if (!inSavepoint) return undefined
    try {
      if (outcome.kind === 'failed') this.#connection.control('ROLLBACK TO body')
      this.#connection.control('RELEASE body')
      return undefined
    } catch (error) {
      this.#rollback()
      return typed(error, this.#connection.path)
    }
  }

  #runBody(job: Job, tx: OpenTransaction, { inSavepoint }: { readonly inSavepoint: boolean }): Promise<Outcome> {
    const beganMs = this.#clock.monotonicMs()
    return new Promise((resolve) => {
      let timer: Timer | undefined
      const settle = (outcome: Outcome, why: string) => {
        if (!tx.open) return
        tx.end(why)
        timer?.cancel()
        // A body that nobody records and that was quick is nobody's explanation for anything.
        if (job.times !== undefined || timer !== undefined) this.#noteTurn(job, beganMs)
        this.#onBodyIsSlow = undefined
        this.#forgetAbort(job)
        resolve(outcome)
      }
      // V8 puts a function literal that is assigned to a property among what is old, and all that it sees stays until a major collection: not so a constant's.
      const onAbort = () => settle({ kind: 'failed', error: job.signal?.reason }, 'its caller gave up')
      job.onAbort = onAbort
      // Hardly any body lives to see a macrotask: the timer is made for those that do.
      const onSlow = () => {
        timer = this.#clock.timer(job.timeoutMs - (this.#clock.monotonicMs() - beganMs), () => {
          settle({ kind: 'failed', error: bodyTimeout(this.#connection.path, job.timeoutMs) }, `it took longer than ${job.timeoutMs} ms`)
        })
      }
      this.#onBodyIsSlow = onSlow
      const fail = (error: unknown) => settle({ kind: 'failed', error }, 'its body threw')
      try {
        if (inSavepoint) this.#connection.control('SAVEPOINT body')
      } catch (error) {
        fail(typed(error, this.#connection.path))
        return
      }
      job.times?.turn(beganMs)
      try {
        const running = job.caller.runInAsyncScope(() => this.#inside.run(tx, job.body, tx))
        // A body without types may return no promise.
        Promise.resolve(running).then((value) => settle({ kind: 'done', value }, 'its body returned'), fail)
      } catch (error) {
        fail(error)
      }
    })
  }

  #noteTurn({ times }: Job, fromMs: number): void {
    const untilMs = this.#clock.monotonicMs()
    times?.settled(untilMs)
    this.#history.add({ span: times?.span, fromMs, untilMs, executeMs: times?.executeMs })
  }

  #commit(done: readonly Done[]): Promise<void> | undefined {
    if (done.length === 0) {
      this.#rollback()
      return undefined
    }
    const reached = faultPoint('database:commit:before')
    return reached === undefined ? this.#commitNow(done) : this.#commitAfter(reached, done)
  }

  async #commitAfter(reached: Promise<void>, done: readonly Done[]): Promise<void> {
    try {
      await reached
    } catch (error) {
      this.#refuse(done, error)
      return
    }
    await this.#commitNow(done)
  }

  #commitNow(done: readonly Done[]): Promise<void> | undefined {
    const isTimed = done.some(({ job }) => job.times !== undefined)
    const fromMs = isTimed ? this.#clock.monotonicMs() : 0
    try {
      this.#connection.control('COMMIT')
    } catch (error) {
      this.#refuse(done, error)
      return undefined
    } finally {
      if (isTimed) {
        const untilMs = this.#clock.monotonicMs()
        for (const { job } of done) job.times?.committed(fromMs, untilMs)
      }
    }
    const reached = faultPoint('database:commit:after')
    if (reached !== undefined) return this.#answerAfter(reached, done)
    this.#answer(done)
    return undefined
  }

  async #answerAfter(reached: Promise<void>, done: readonly Done[]): Promise<void> {
    await reached
    this.#answer(done)
  }

  #refuse(done: readonly Done[], error: unknown): void {
    this.#rollback()
    this.#connection.guard.changesSchema = true
    const refusal = commitError(error, this.#connection.path)
    for (const { job } of done) job.refuse(refusal)
  }

  #answer(done: readonly Done[]): void {
    for (const { job, value, effects } of done) {
      job.answer(value)
      for (const effect of effects) runAfterCommit(() => job.caller.runInAsyncScope(effect))
    }
  }

  /** Leaves no transaction open, whatever the state it is in. */
  #rollback(): void {
    if (!this.#connection.inTransaction) return
    try {
      this.#connection.control('ROLLBACK')
    } catch {
      // The engine has rolled back by itself between the question and the statement; BEGIN tells if it has not.
    }
  }

  #mustCommitAlone(): boolean {
    const { guard } = this.#connection
    if (!guard.changesSchema) return this.#commitsAlone
    guard.changesSchema = false
    try {
      this.#commitsAlone = this.#connection.first(FIND_DEFERRED_CONSTRAINT) !== undefined
    } catch {
      // Not known: alone is safe, and the next batch asks again.
      this.#commitsAlone = true
      guard.changesSchema = true
    }
    return this.#commitsAlone
  }

  #listenForAbort(job: Job): void {
    if (job.signal === undefined) return
    const listener = () => job.onAbort()
    job.listener = listener
    job.signal.addEventListener('abort', listener, { once: true })
  }

  #forgetAbort(job: Job): void {
    if (job.listener !== undefined) job.signal?.removeEventListener('abort', job.listener)
  }
}
