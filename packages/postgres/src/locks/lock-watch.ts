import { AsyncResource } from 'node:async_hooks'
import { type Clock, type Timer, nextMacrotask } from 'seaworthy/core'
import type { LockLook } from './lock-probe.ts'
import { type NameHolder, SessionTimes } from './session-times.ts'

/** Looks at the server's locks. */
export interface LockLooker {
  look(pids: readonly number[]): Promise<LockLook>
  close(): Promise<void>
}

export interface LockWatchOptions {
  readonly probe: LockLooker
  readonly clock: Clock
  /** How long a statement is out before its locks are looked at, in milliseconds. */
  readonly afterMs: number
  /** Looks in one second at most, for all sessions together. */
  readonly looksPerSecondMax: number
}

// A timer that is as late tells of a machine, or a process, that stood still: statements are late for the same reason, and get as long again.
const STALLED_MS = 10
// By which multiple of the time after which a statement is late it is looked at all the same.
const POSTPONED_MAX = 4

/**
 * Looks at the server's locks for statements that are out for long, and for nobody else: while all are answered soon, nothing is asked. One timer for all, because
 * those that were sent first become late first; one look for all that are late.
 */
export class LockWatch {
  readonly #options: LockWatchOptions
  readonly #clock: Clock
  readonly #probe: LockLooker
  /** Out, and not looked at. In the order in which they become late. */
  readonly #fresh = new Set<SessionTimes>()
  /** Out, and looked at before. */
  readonly #late = new Set<SessionTimes>()
  // The timer is set by whoever comes first, and belongs to no request.
  readonly #outside = new AsyncResource('SEAWORTHY_LOCK_WATCH', { requireManualDestroy: true })
  #timer: Timer | undefined
  #dueMs = 0
  #isLooking = false
  #notBeforeMs = 0
  #failures = 0
  #closed = false

  constructor(options: LockWatchOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#probe = options.probe
  }

  /** Times the work of one session from now on. */
  time(pid: number, nameHolder: NameHolder): SessionTimes {
    return new SessionTimes({
      pid,
      clock: this.#clock,
      nameHolder,
      onBusy: (times) => this.#add(times),
      onAnswer: (times) => {
        this.#fresh.delete(times)
        this.#late.delete(times)
        if (times.busy) this.#add(times)
      },
    })
  }

  /** One look at once, for somebody whose statement has ended. Undefined when it fails. */
  async lookNow(pids: readonly number[]): Promise<LockLook | undefined> {
    return this.#closed ? undefined : this.#probe.look(pids).catch(() => undefined)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#probe.close()
  }

  #add(times: SessionTimes): void {
    if (this.#closed) return
    times.lookIntervalMs = 0
    this.#fresh.add(times)
    if (this.#timer === undefined && !this.#isLooking) this.#arm(this.#options.afterMs)
  }

  #arm(delayMs: number): void {
    this.#dueMs = this.#clock.monotonicMs() + delayMs
    this.#timer = this.#outside.runInAsyncScope(() =>
      // After a stretch of work of this process, answers may lie in the socket that make the look superfluous: they are read first.
      this.#clock.timer(delayMs, () => void nextMacrotask(() => this.#fire()), { keepAlive: false }),
    )
  }

  #fire(): void {
    this.#timer = undefined
    if (this.#closed) return
    const nowMs = this.#clock.monotonicMs()
    const due = this.#due(nowMs)
    const lateMs = nowMs - this.#dueMs
    if (lateMs >= STALLED_MS && due.every((times) => nowMs - times.statementSinceMs < this.#options.afterMs * POSTPONED_MAX)) {
      this.#arm(lateMs)
      return
    }
    if (due.length > 0 && nowMs >= this.#notBeforeMs) void this.#look(due, nowMs)
    else this.#armForNext(nowMs)
  }

  #due(nowMs: number): readonly SessionTimes[] {
    const due: SessionTimes[] = []
    for (const times of this.#fresh) {
      if (times.statementSinceMs + this.#options.afterMs > nowMs) break
      due.push(times)
    }
    for (const times of this.#late) if (times.nextLookMs <= nowMs) due.push(times)
    return due
  }

  #armForNext(nowMs: number): void {
    if (this.#closed) return
    let nextMs = Number.POSITIVE_INFINITY
    const [oldest] = this.#fresh
    if (oldest !== undefined) nextMs = oldest.statementSinceMs + this.#options.afterMs
    for (const times of this.#late) nextMs = Math.min(nextMs, times.nextLookMs)
    if (nextMs < Number.POSITIVE_INFINITY) this.#arm(Math.max(nextMs, this.#notBeforeMs) - nowMs)
  }

  async #look(due: readonly SessionTimes[], nowMs: number): Promise<void> {
    const { afterMs, looksPerSecondMax } = this.#options
    const answers = due.map((times) => times.answers)
    for (const times of due) {
      this.#fresh.delete(times)
      this.#late.add(times)
      if (times.lookIntervalMs === 0) times.lookIntervalMs = afterMs
    }
    this.#isLooking = true
    const look = await this.#probe.look(due.map(({ pid }) => pid)).catch(() => undefined)
    this.#isLooking = false
    const thenMs = this.#clock.monotonicMs()
    // A server that does not answer is left in peace: twice as long each time, up to the time that a session of looks is kept.
    this.#failures = look === undefined ? Math.min(this.#failures + 1, 8) : 0
    this.#notBeforeMs = Math.max(nowMs + 1_000 / looksPerSecondMax, thenMs + (this.#failures === 0 ? 0 : 100 * 2 ** this.#failures))
    for (const [index, times] of due.entries()) {
      if (times.answers !== answers[index]) continue
      if (look === undefined) times.lookFailed()
      else times.see(look)
      times.nextLookMs = thenMs + times.lookIntervalMs
    }
    this.#armForNext(thenMs)
  }
}
