import { type CallContext, type Executed, executedOf, observed, sleep } from 'seaworthy/core'
import { attempt } from './attempt.ts'
import type { CompensationContext, Saga, StepContext } from './definition.ts'
import type { RunEnvironment } from './environment.ts'
import { ItemsError } from './errors.ts'
import { type Place, nextMove } from './frontier.ts'
import { type Call, type ForEach, type When, isCall, undoOf } from './graph.ts'
import { jsonCopy } from './json-copy.ts'
import type { SagaJournal } from './journal.ts'
import type { StepPolicy } from './policy.ts'
import { lessCertain, progressOf } from './progress.ts'
import type { JournalEntry, SagaRecord, SagaStatus } from './saga-store.ts'
import { describeError, judgeAction, judgeCompensation } from './verdict.ts'
import { SagaWaits, type Wait, isWait } from './waits.ts'

const sagaStep = observed('saga.step')

/**
 * Whether an attempt gets lines of its own in the journal. After the twentieth only the 32nd, the 64th and so on: a step that is tried for a
 * week must not fill the disk. Between them the journal holds a start without an end, which is read as an unknown outcome.
 */
export function isJournaled(number: number): boolean {
  return number <= 20 || Number.isInteger(Math.log2(number))
}

type Outcome = { readonly kind: 'done'; readonly result: unknown } | { readonly kind: 'failed'; readonly error: unknown }
/** Waits without holding up others. */
type Pause = (wait: () => Promise<unknown>) => Promise<void>

/** Ends the back-offs of what need not be tried any more. Never leaves this file. */
const TURNED = new Error('The saga turned.')

/**
 * One saga on its way, in this process: looks at the journal, does what is next, and looks again. What can be done side by side is. A step holds a slot
 * while it makes progress and none while it backs off; a saga that only waits leaves the process.
 */
export class SagaRun {
  readonly #environment: RunEnvironment
  readonly #saga: Saga<never>
  readonly #journal: SagaJournal
  readonly #waits: SagaWaits
  readonly #inFlight = new Map<string, 'go' | 'undo'>()
  readonly #leaving = new AbortController()
  #interrupt = new AbortController()
  #changed = Promise.withResolvers<void>()
  #failure: { readonly error: unknown } | undefined
  #spareSlots = 0
  #begunAtStart: string | undefined

  /** @param begunAtStart the step whose first attempt was journaled with the start of the saga, and is yet to be made */
  constructor(environment: RunEnvironment, saga: Saga<never>, journal: SagaJournal, begunAtStart?: string) {
    this.#environment = environment
    this.#saga = saga
    this.#journal = journal
    this.#waits = new SagaWaits(environment, journal)
    this.#begunAtStart = begunAtStart
  }

  get record(): SagaRecord {
    return this.#journal.record
  }

  /** Looks again: the saga may have been told something. */
  look(): void {
    this.#changed.resolve()
  }

  /**
   * Goes on until the saga is over, or has nothing to do but wait. Call it within the saga's own context.
   * @throws MovedElsewhere; the reason of `stopping` or `abandoned`, when the rest is left to the journal
   */
  async drive(): Promise<void> {
    const { stopping, abandoned, slots } = this.#environment
    const onStop = () => this.#interrupt.abort(stopping.reason)
    const onAbandon = () => this.#leaving.abort(abandoned.reason)
    stopping.addEventListener('abort', onStop)
    abandoned.addEventListener('abort', onAbandon)
    if (abandoned.aborted) onAbandon()
    try {
      while (await this.#goOn());
    } catch (error) {
      // Those in progress are waited for when the orchestrator stops, and called off when the saga is somebody else's.
      if (!stopping.aborted) {
        this.#leaving.abort(error)
        this.#interrupt.abort(error)
      }
      while (this.#inFlight.size > 0) await this.#nextChange()
      if (stopping.aborted && !abandoned.aborted) await this.#journal.write()
      throw error
    } finally {
      for (; this.#spareSlots > 0; this.#spareSlots--) slots.give()
      stopping.removeEventListener('abort', onStop)
      abandoned.removeEventListener('abort', onAbandon)
    }
  }

  /** @returns whether there is more to do here */
  async #goOn(): Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure.error
    const { stopping, clock } = this.#environment
    const { record, progress } = this.#journal
    const move = nextMove(this.#saga.steps, record.status, progress, this.#environment)
    // What was begun on the way there is waited for before the saga turns round, or rests.
    const othersInFlight = [...this.#inFlight.values()].some((kind) => kind !== move.kind)
    if (othersInFlight) return this.#nextChange()
    switch (move.kind) {
      case 'over':
        await this.#journal.write()
        return false
      case 'settle':
        await this.#journal.write({ to: move.status })
        return true
      case 'turn-back':
        await this.#turn('compensating', move.reason)
        return true
      case 'go':
      case 'undo': {
        if (stopping.aborted) {
          if (this.#inFlight.size > 0) return this.#nextChange()
          await this.#journal.write()
          throw stopping.reason
        }
        const waits: Wait[] = []
        for (const place of move.places) {
          if (isKind(place, 'when') || isKind(place, 'for-each')) {
            await this.#decide(place)
            return true
          }
          if (isWait(place) && !this.#isToUndo(move.kind, place)) waits.push(place)
          else this.#launch(move.kind, place)
        }
        this.#giveSpareSlots()
        if (await this.#waits.lookAt(waits, move.kind)) {
          if (this.#journal.record.status !== record.status) this.#interruptOthers()
          return true
        }
        const dueMs = this.#waits.dueMs(waits)
        if (this.#inFlight.size > 0) return this.#nextChange(dueMs === 'never' ? undefined : dueMs - clock.now())
        return !(await this.#waits.rest(waits, dueMs))
      }
    }
  }

  #isToUndo(kind: 'go' | 'undo', place: Wait): boolean {
    return kind === 'undo' && progressOf(this.#journal.progress, place.name).done
  }

  #launch(kind: 'go' | 'undo', place: Place): void {
    const key = `${kind} ${place.name}`
    if (this.#inFlight.has(key)) return
    this.#inFlight.set(key, kind)
    const work = this.#withSlot((pause) =>
      isCall(place.node) && kind === 'go' ? this.#act(place as Place<Call>, pause) : this.#undo(place, pause),
    )
    void work
      .catch((error: unknown) => (this.#failure ??= { error }))
      .finally(() => {
        this.#inFlight.delete(key)
        this.look()
      })
  }

  /** Settles when something ended, or was told, or after the time. Nothing is missed that changes from its call on: between that and the last look nothing waits. */
  async #nextChange(waitMs?: number): Promise<true> {
    const { clock } = this.#environment
    const { promise } = this.#changed
    const timer = waitMs === undefined ? undefined : clock.timer(Math.max(0, waitMs), () => this.look())
    await promise
    timer?.cancel()
    this.#changed = Promise.withResolvers()
    return true
  }

  async #act(place: Place<Call>, pause: Pause): Promise<void> {
    const { clock, random, treatUnknownAsFailed } = this.#environment
    const { node: step, name } = place
    // What is known of the attempts that the journal does not tell apart.
    let executed: Executed = 'no'
    for (let number = progressOf(this.#journal.progress, name).attempts + 1; ; number++) {
      if (this.#begunAtStart === name) number = 1
      else await this.#begin({ step: name, kind: 'started', attempt: number, atMs: clock.now() })
      this.#begunAtStart = undefined
      const outcome = await this.#attempt(place, step.policy, number, 'action', async (s) => jsonCopy(name, await step.run(s)))
      if (outcome.kind === 'done') {
        this.#journal.note({ step: name, kind: 'done', result: outcome.result, atMs: clock.now() })
        return
      }
      const { error } = outcome
      executed = lessCertain(executed, executedOf(error))
      const { doubtful, firstStartedAtMs = clock.now() } = progressOf(this.#journal.progress, name)
      const elapsedMs = clock.now() - firstStartedAtMs
      const failed = { error, attempt: number, elapsedMs, mayHaveRun: doubtful || executed !== 'no' }
      const verdict = judgeAction(step, failed, { random, treatUnknownAsFailed })
      const isLast = verdict.kind !== 'again' || this.#journal.record.status !== 'running'
      if (isLast || isJournaled(number + 1)) {
        this.#journal.note({ step: name, kind: 'failed', executed, error: describeError(error), atMs: clock.now() })
        executed = 'no'
      }
      if (this.#journal.record.status !== 'running') return
      if (verdict.kind !== 'again') return this.#turn(verdict.kind === 'park' ? 'parked' : 'compensating', verdict.reason)
      if (!(await this.#backOff(verdict.delayMs, 'running', pause))) return
    }
  }

  async #undo(place: Place, pause: Pause): Promise<void> {
    const { clock, random } = this.#environment
    const { compensate, compensationPolicy } = undoOf(place.node)!
    const { name } = place
    for (let number = progressOf(this.#journal.progress, name).compensationAttempts + 1; ; number++) {
      await this.#begin({ step: name, kind: 'compensation-started', attempt: number, atMs: clock.now() })
      const outcome = await this.#attempt(place, compensationPolicy, number, 'compensation', compensate)
      if (outcome.kind === 'done') {
        this.#journal.note({ step: name, kind: 'compensated', atMs: clock.now() })
        return
      }
      const { error } = outcome
      const { compensationFirstStartedAtMs = clock.now() } = progressOf(this.#journal.progress, name)
      const failed = { error, attempt: number, elapsedMs: clock.now() - compensationFirstStartedAtMs }
      const verdict = judgeCompensation(compensationPolicy, failed, random)
      if (verdict.kind === 'park' || isJournaled(number + 1)) {
        this.#journal.note({ step: name, kind: 'compensation-failed', error: describeError(error), atMs: clock.now() })
      }
      // The reason stays the one it turned back for; the journal says why it is parked.
      if (verdict.kind === 'park') return this.#turn('parked')
      if (!(await this.#backOff(verdict.delayMs, 'compensating', pause))) return
    }
  }

  async #attempt(
    place: Place,
    policy: StepPolicy,
    number: number,
    phase: 'action' | 'compensation',
    call: (s: CompensationContext<unknown, unknown, unknown>) => Promise<unknown>,
  ): Promise<Outcome> {
    const { clock } = this.#environment
    const { id, context, saga } = this.#journal.record
    const { name } = place
    try {
      const result = await sagaStep.run(
        () => ({
          name: phase === 'action' ? `${saga} ${place.node.name}` : `${saga} undo ${place.node.name}`,
          kind: 'internal',
          attributes: {
            'seaworthy.saga': saga,
            'seaworthy.saga.id': id,
            'seaworthy.saga.step': name,
            'seaworthy.saga.phase': phase,
            'seaworthy.saga.attempt': number,
            'seaworthy.correlation_id': context.correlationId,
          },
          parent: { traceparent: context.traceparent, tracestate: context.tracestate },
        }),
        () =>
          attempt({
            context: this.#stepContext(place, number),
            timeoutMs: policy.attemptTimeoutMs,
            what: `${phase === 'action' ? 'Step' : 'The compensation of step'} "${name}" of saga ${saga} ${id}`,
            clock,
            abandoned: this.#leaving.signal,
            call,
          }),
      )
      return { kind: 'done', result }
    } catch (error) {
      // Whatever it threw, it did so because it was called off.
      this.#leaving.signal.throwIfAborted()
      return { kind: 'failed', error }
    }
  }

  #stepContext(place: Place, number: number): CompensationContext<unknown, unknown, unknown> {
    const { record, progress } = this.#journal
    const key = this.#journal.keyOf(place)
    const own: Omit<StepContext<unknown, unknown>, keyof CallContext> & { idempotencyKey: string; result: unknown } = {
      sagaId: record.id,
      key,
      idempotencyKey: key,
      ...this.#journal.facts(place),
      attempt: number,
      result: progressOf(progress, place.name).result,
    }
    return { ...record.context, ...own }
  }

  /** What is decided once, and from then on is a line of the journal. */
  async #decide(place: Place<When | ForEach>): Promise<void> {
    const { node, name } = place
    try {
      const result = node.kind === 'when' ? node.condition(this.#journal.facts(place)) : this.#items(place as Place<ForEach>)
      this.#journal.note({ step: name, kind: 'done', result, atMs: this.#environment.clock.now() })
    } catch (error) {
      await this.#journal.refuse(place, error)
      this.#interruptOthers()
    }
  }

  #items(place: Place<ForEach>): unknown {
    const items = jsonCopy(place.name, place.node.items(this.#journal.facts(place)))
    if (!Array.isArray(items) || items.length > place.node.itemsMax) throw new ItemsError(place.name, place.node.itemsMax, items)
    return items
  }

  async #turn(to: 'compensating' | 'parked', reason?: string): Promise<void> {
    await this.#journal.write({ to, ...(reason !== undefined && { reason }) })
    this.#interruptOthers()
  }

  /** Ends the back-offs of other lines of steps: what they wait for is not wanted any more. */
  #interruptOthers(): void {
    const before = this.#interrupt
    if (before.signal.aborted) return
    this.#interrupt = new AbortController()
    before.abort(TURNED)
  }

  /** Journals that an attempt begins, before it does. Nothing begins once the orchestrator stops. */
  async #begin(entry: Extract<JournalEntry, { kind: 'started' | 'compensation-started' }>): Promise<void> {
    const { stopping } = this.#environment
    if (!stopping.aborted && isJournaled(entry.attempt)) this.#journal.note(entry)
    await this.#journal.write()
    stopping.throwIfAborted()
    this.#leaving.signal.throwIfAborted()
  }

  /** @returns false when the saga turned meanwhile */
  async #backOff(delayMs: number, status: SagaStatus, pause: Pause): Promise<boolean> {
    const { clock } = this.#environment
    await this.#journal.write()
    const { signal } = this.#interrupt
    try {
      if (this.#journal.record.status === status) await pause(() => sleep(clock, delayMs, signal))
    } catch (error) {
      if (error !== TURNED) throw error
    }
    return this.#journal.record.status === status
  }

  /** A slot goes from one step to the next, so that a saga that is under way ends before others begin. */
  async #withSlot(body: (pause: Pause) => Promise<void>): Promise<void> {
    const { slots, stopping } = this.#environment
    if (this.#spareSlots > 0) this.#spareSlots--
    else await slots.take(stopping)
    let holds = true
    try {
      await body(async (wait) => {
        holds = false
        slots.give()
        await wait()
        await slots.take(stopping)
        holds = true
      })
    } finally {
      if (holds) this.#spareSlots++
    }
  }

  #giveSpareSlots(): void {
    for (; this.#spareSlots > 0; this.#spareSlots--) this.#environment.slots.give()
  }
}

function isKind<Kind extends Place['node']['kind']>(
  place: Place,
  kind: Kind,
): place is Place<Extract<Place['node'], { readonly kind: Kind }>> {
  return place.node.kind === kind
}
