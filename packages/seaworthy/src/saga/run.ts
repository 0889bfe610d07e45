import {
  type Backoff,
  type CallContext,
  type Clock,
  type Database,
  type Executed,
  type Random,
  type Transaction,
  backoffMs,
  executedOf,
  exponential,
  observed,
  sleep,
} from 'seaworthy/core'
import { attempt } from './attempt.ts'
import type { CompensationContext, Saga, Step, StepContext } from './definition.ts'
import { StepResultError } from './errors.ts'
import type { StepPolicy } from './policy.ts'
import { type Progress, fold, lessCertain, nextMove, progressOf } from './progress.ts'
import type { JournalEntry, SagaRecord, SagaStatus, SagaStore } from './saga-store.ts'
import type { Slots } from './slots.ts'
import { describeError, judgeAction, judgeCompensation } from './verdict.ts'

/** What every saga of one orchestrator shares. */
export interface RunEnvironment {
  readonly store: SagaStore
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly slots: Slots
  /** Aborted when no new attempt may begin. */
  readonly stopping: AbortSignal
  /** Aborted when attempts in progress are left to the journal. */
  readonly abandoned: AbortSignal
  readonly treatUnknownAsFailed: boolean
  /** Called in the transaction of each change of status. */
  readonly onStatus: ((tx: Transaction, record: SagaRecord) => Promise<void>) | undefined
  /** Called when a change of status is durable. */
  readonly onMoved: (record: SagaRecord) => void
  /** Told of what holds a saga up that is not its step's fault. */
  readonly report: (error: unknown, sagaId: string | undefined) => void
}

/** Somebody else changed the saga's status: what this process knows of it is out of date. */
export class MovedElsewhere extends Error {}

const WRITE_BACKOFF: Backoff = exponential({ baseMs: 20, maxMs: 5_000, jitter: 'equal' })
const sagaStep = observed('saga.step')

/**
 * Whether an attempt gets lines of its own in the journal. After the twentieth only the 32nd, the 64th and so on: a step that is tried for a
 * week must not fill the disk. Between them the journal holds a start without an end, which is read as an unknown outcome.
 */
export function isJournaled(attempt: number): boolean {
  return attempt <= 20 || Number.isInteger(Math.log2(attempt))
}

type Outcome = { readonly kind: 'done'; readonly result: unknown } | { readonly kind: 'failed'; readonly error: unknown }

/**
 * One saga on its way, in this process. It holds a slot while it makes progress and none while it backs off. Lines of the journal that
 * may wait are written together with the next one that may not: a step's result with the start of the step after it.
 */
export class SagaRun {
  readonly #environment: RunEnvironment
  readonly #saga: Saga<never>
  #record: SagaRecord
  #progress: Progress
  #unwritten: JournalEntry[] = []
  #holdsSlot = false

  constructor(environment: RunEnvironment, saga: Saga<never>, record: SagaRecord, journal: readonly JournalEntry[]) {
    this.#environment = environment
    this.#saga = saga
    this.#record = record
    this.#progress = fold(new Map(), journal)
  }

  /**
   * Goes on until the saga is over. Call it within the saga's own context.
   * @throws MovedElsewhere; the reason of `stopping` or `abandoned`, when the rest is left to the journal
   */
  async drive(): Promise<void> {
    try {
      await this.#takeSlot()
      for (;;) {
        const move = nextMove(this.#saga.steps, this.#record.status, this.#progress, this.#environment)
        switch (move.kind) {
          case 'act':
            await this.#act(move.step)
            break
          case 'compensate':
            await this.#compensate(move.step)
            break
          case 'turn-back':
            await this.#write({ to: 'compensating', reason: move.reason })
            break
          case 'settle':
            await this.#write({ to: move.status })
            break
          case 'over':
            return
        }
      }
    } finally {
      this.#giveSlot()
    }
  }

  async #act(step: Step): Promise<void> {
    const { clock, random, treatUnknownAsFailed } = this.#environment
    // What is known of the attempts that the journal does not tell apart.
    let executed: Executed = 'no'
    for (let number = progressOf(this.#progress, step.name).attempts + 1; ; number++) {
      await this.#begin({ step: step.name, kind: 'started', attempt: number, atMs: clock.now() })
      const outcome = await this.#attempt(step, step.policy, number, 'action')
      if (outcome.kind === 'done') {
        this.#note({ step: step.name, kind: 'done', result: outcome.result, atMs: clock.now() })
        return
      }
      const { error } = outcome
      executed = lessCertain(executed, executedOf(error))
      const { doubtful, firstStartedAtMs = clock.now() } = progressOf(this.#progress, step.name)
      const elapsedMs = clock.now() - firstStartedAtMs
      const failed = { error, attempt: number, elapsedMs, mayHaveRun: doubtful || executed !== 'no' }
      const verdict = judgeAction(step, failed, { random, treatUnknownAsFailed })
      if (verdict.kind !== 'again' || isJournaled(number + 1)) {
        this.#note({ step: step.name, kind: 'failed', executed, error: describeError(error), atMs: clock.now() })
        executed = 'no'
      }
      switch (verdict.kind) {
        case 'again':
          await this.#backOff(verdict.delayMs)
          break
        case 'turn-back':
          return this.#write({ to: 'compensating', reason: verdict.reason })
        case 'park':
          return this.#write({ to: 'parked', reason: verdict.reason })
      }
    }
  }

  async #compensate(step: Extract<Step, { kind: 'compensatable' }>): Promise<void> {
    const { clock, random } = this.#environment
    for (let number = progressOf(this.#progress, step.name).compensationAttempts + 1; ; number++) {
      await this.#begin({ step: step.name, kind: 'compensation-started', attempt: number, atMs: clock.now() })
      const outcome = await this.#attempt(step, step.compensationPolicy, number, 'compensation')
      if (outcome.kind === 'done') {
        this.#note({ step: step.name, kind: 'compensated', atMs: clock.now() })
        return
      }
      const { error } = outcome
      const { compensationFirstStartedAtMs = clock.now() } = progressOf(this.#progress, step.name)
      const failed = { error, attempt: number, elapsedMs: clock.now() - compensationFirstStartedAtMs }
      const verdict = judgeCompensation(step.compensationPolicy, failed, random)
      if (verdict.kind === 'park' || isJournaled(number + 1)) {
        this.#note({ step: step.name, kind: 'compensation-failed', error: describeError(error), atMs: clock.now() })
      }
      // The reason stays the one it turned back for; the journal says why it is parked.
      if (verdict.kind === 'park') return this.#write({ to: 'parked' })
      await this.#backOff(verdict.delayMs)
    }
  }

  async #attempt(step: Step, policy: StepPolicy, number: number, phase: 'action' | 'compensation'): Promise<Outcome> {
    const { clock, abandoned } = this.#environment
    const { context, saga } = this.#record
    try {
      const result = await sagaStep.run(
        () => ({
          name: phase === 'action' ? `${saga} ${step.name}` : `${saga} undo ${step.name}`,
          kind: 'internal',
          attributes: {
            'seaworthy.saga': saga,
            'seaworthy.saga.id': this.#record.id,
            'seaworthy.saga.step': step.name,
            'seaworthy.saga.phase': phase,
            'seaworthy.saga.attempt': number,
            'seaworthy.correlation_id': context.correlationId,
          },
          parent: { traceparent: context.traceparent, tracestate: context.tracestate },
        }),
        () =>
          attempt({
            context: this.#stepContext(step, number),
            timeoutMs: policy.attemptTimeoutMs,
            what: `${phase === 'action' ? 'Step' : 'The compensation of step'} "${step.name}" of saga ${saga} ${this.#record.id}`,
            clock,
            abandoned,
            call: async (s) => {
              if (phase === 'action') return jsonCopy(step.name, await step.run(s))
              if (step.kind === 'compensatable') await step.compensate(s)
              return undefined
            },
          }),
      )
      return { kind: 'done', result }
    } catch (error) {
      // Whatever it threw, it did so because it was called off.
      abandoned.throwIfAborted()
      return { kind: 'failed', error }
    }
  }

  #stepContext(step: Step, number: number): CompensationContext<unknown, unknown, unknown> {
    const { id, input } = this.#record
    // Encoded, because a key travels in headers, and headers take no spaces.
    const key = `${id}/${encodeURIComponent(step.name)}`
    const done = this.#saga.steps.filter(({ name }) => progressOf(this.#progress, name).done)
    const own: Omit<StepContext<unknown, unknown>, keyof CallContext> & { idempotencyKey: string; result: unknown } = {
      sagaId: id,
      key,
      idempotencyKey: key,
      input,
      results: Object.fromEntries(done.map(({ name }) => [name, progressOf(this.#progress, name).result])),
      attempt: number,
      result: progressOf(this.#progress, step.name).result,
    }
    return { ...this.#record.context, ...own }
  }

  /** Journals that an attempt begins, before it does. Nothing begins once the orchestrator stops. */
  async #begin(entry: Extract<JournalEntry, { kind: 'started' | 'compensation-started' }>): Promise<void> {
    const { stopping } = this.#environment
    if (!stopping.aborted && isJournaled(entry.attempt)) this.#note(entry)
    await this.#write()
    stopping.throwIfAborted()
  }

  #note(entry: JournalEntry): void {
    this.#unwritten.push(entry)
    this.#progress = fold(this.#progress, [entry])
  }

  /** Makes what was noted durable, with a change of status if there is one. A database that refuses is asked again: the saga is not to blame. */
  async #write(change?: { readonly to: SagaStatus; readonly reason?: string }): Promise<void> {
    const { clock, random, stopping, report, onMoved } = this.#environment
    if (this.#unwritten.length === 0 && change === undefined) return
    for (let number = 1; ; number++) {
      try {
        const record = await this.#commit(change)
        this.#unwritten = []
        if (record.status !== this.#record.status) {
          this.#record = record
          onMoved(record)
        }
        return
      } catch (error) {
        if (error instanceof MovedElsewhere) throw error
        report(error, this.#record.id)
      }
      await sleep(clock, backoffMs(WRITE_BACKOFF, number, random), stopping)
    }
  }

  #commit(change?: { readonly to: SagaStatus; readonly reason?: string }): Promise<SagaRecord> {
    const { database, store, clock, onStatus } = this.#environment
    const before = this.#record
    return database.transaction(async (tx) => {
      if (this.#unwritten.length > 0) await store.append(tx, before.id, this.#unwritten)
      if (change === undefined) return before
      const reason = before.reason ?? change.reason
      const atMs = clock.now()
      if (!(await store.setStatus(tx, before.id, { from: before.status, to: change.to, reason, atMs }))) throw new MovedElsewhere()
      const after: SagaRecord = { ...before, status: change.to, reason, updatedAtMs: atMs }
      await onStatus?.(tx, after)
      return after
    })
  }

  async #backOff(delayMs: number): Promise<void> {
    await this.#write()
    this.#giveSlot()
    await sleep(this.#environment.clock, delayMs, this.#environment.stopping)
    await this.#takeSlot()
  }

  async #takeSlot(): Promise<void> {
    await this.#environment.slots.take(this.#environment.stopping)
    this.#holdsSlot = true
  }

  #giveSlot(): void {
    if (this.#holdsSlot) this.#environment.slots.give()
    this.#holdsSlot = false
  }
}

/** A result as it will be read from the journal. @throws StepResultError */
function jsonCopy(step: string, result: unknown): unknown {
  if (result === undefined) return undefined
  try {
    const text: string | undefined = JSON.stringify(result)
    return text === undefined ? undefined : JSON.parse(text)
  } catch (cause) {
    throw new StepResultError(step, { cause })
  }
}
