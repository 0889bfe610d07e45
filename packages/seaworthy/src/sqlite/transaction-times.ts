import { type Clock, type Operation, type SpanReference, recordedSpan, tracedService } from 'seaworthy/core'
import type { WriterHistory } from './writer-history.ts'

// Below it nobody asks who had the writer.
const BLOCKED_MS_MIN = 5

/** Where the time of one transaction goes: waiting for the writer, for another process's lock, for those that share its commit, and its statements. */
export class TransactionTimes {
  /** The span of the transaction. */
  readonly span: SpanReference | undefined = recordedSpan()
  readonly #clock: Clock
  #history: WriterHistory | undefined
  #arrivedMs = 0
  #busyAtArrivalMs = 0
  #lockWaitMs = 0
  #turnMs: number | undefined
  #settledMs: number | undefined
  #commitMs: number | undefined
  #executeMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Its statements at work, up to now. */
  get executeMs(): number {
    return this.#executeMs
  }

  arrived(nowMs: number, history: WriterHistory): void {
    this.#history = history
    this.#arrivedMs = nowMs
    this.#busyAtArrivalMs = history.busyMs(nowMs)
  }

  /** Its body has the writer. */
  turn(nowMs: number): void {
    this.#turnMs = nowMs
    this.#lockWaitMs = this.#history!.busyMs(nowMs) - this.#busyAtArrivalMs
  }

  /** Its body has ended, and others that share the commit may not have. */
  settled(nowMs: number): void {
    this.#settledMs = nowMs
  }

  committed(fromMs: number, untilMs: number): void {
    this.#commitMs = fromMs
    this.#executeMs += untilMs - fromMs
  }

  /** Runs a statement. */
  execute<T>(statement: () => T): T {
    const fromMs = this.#clock.monotonicMs()
    try {
      return statement()
    } finally {
      this.#executeMs += this.#clock.monotonicMs() - fromMs
    }
  }

  /** States what is known at the end. The names are those of `seaworthy/trace-analysis`. */
  describe(operation: Operation): void {
    const history = this.#history
    // Refused before it could wait.
    if (history === undefined) return
    const nowMs = this.#clock.monotonicMs()
    const turnMs = this.#turnMs ?? nowMs
    const lockWaitMs = this.#turnMs === undefined ? history.busyMs(nowMs) - this.#busyAtArrivalMs : this.#lockWaitMs
    const waits: (readonly [number, number])[] = [[this.#arrivedMs, turnMs]]
    if (this.#settledMs !== undefined && this.#commitMs !== undefined) waits.push([this.#settledMs, this.#commitMs])
    const waitedMs = waits.reduce((sum, [fromMs, untilMs]) => sum + untilMs - fromMs, 0) - lockWaitMs
    const { attributes } = operation
    attributes['seaworthy.time.pool_wait_ms'] = Math.max(0, waitedMs)
    attributes['seaworthy.time.lock_wait_ms'] = lockWaitMs
    attributes['seaworthy.time.execute_ms'] = this.#executeMs
    if (lockWaitMs > waitedMs) {
      if (history.otherProcess === undefined) return
      attributes['seaworthy.lock.chain_length'] = 1
      attributes['seaworthy.lock.blocker.pid'] = history.otherProcess.pid
      attributes['seaworthy.lock.blocker.application'] = history.otherProcess.command
      return
    }
    if (waitedMs >= BLOCKED_MS_MIN) this.#describeTurn(operation, history, waits)
  }

  #describeTurn(operation: Operation, history: WriterHistory, waits: readonly (readonly [number, number])[]): void {
    const turn = history.longestIn(waits)
    if (turn === undefined) return
    const { span, fromMs, untilMs, executeMs } = turn
    const { attributes } = operation
    const set = (name: string, value: string | number | undefined) => {
      if (value !== undefined) attributes[name] = value
    }
    set('seaworthy.lock.chain_length', 1)
    set('seaworthy.lock.blocker.pid', process.pid)
    set('seaworthy.lock.blocker.service', tracedService())
    if (executeMs !== undefined) {
      const idleMs = untilMs - fromMs - executeMs
      const isIdle = idleMs > executeMs
      set('seaworthy.lock.blocker.state', isIdle ? 'idle in transaction' : 'active')
      set('seaworthy.lock.blocker.idle_ms', isIdle ? idleMs : undefined)
    }
    if (span === undefined) return
    set('seaworthy.lock.blocker.trace_id', span.traceId)
    set('seaworthy.lock.blocker.span_id', span.spanId)
    operation.links = [
      ...(operation.links ?? []),
      { traceId: span.traceId, spanId: span.spanId, attributes: { 'seaworthy.link': 'lock-blocker' } },
    ]
  }
}
