import { type Clock, TimeoutError, countedWait } from 'seaworthy/core'
import { BulkheadFullError } from './errors.ts'
import { ADMISSION_WAIT, publish } from './events.ts'
import type { BulkheadDeclaration } from './policy-declaration.ts'

export interface BulkheadSnapshot {
  readonly running: number
  readonly queued: number
  readonly concurrencyMax: number
  readonly queueMax: number
  /** Calls turned away since it was made. */
  readonly rejected: number
}

/** Lets so many calls run at once and so many wait, so that one slow receiver cannot take everything that the process has. */
export class Bulkhead {
  readonly #name: string
  readonly #clock: Clock
  #concurrencyMax: number
  #queueMax: number
  // In order of arrival; a Set, because an abort takes one out of the middle at once.
  // Made when the first call has to wait.
  #waiting: Set<() => void> | undefined
  #running = 0
  #rejected = 0

  constructor(declaration: BulkheadDeclaration, name: string, clock: Clock) {
    this.#name = name
    this.#clock = clock
    this.#concurrencyMax = declaration.concurrencyMax
    this.#queueMax = declaration.queueMax ?? 0
  }

  /** Takes a place if one is free. A place that is given up goes to whoever waits first, so none is free while anyone waits. */
  tryEnter(): boolean {
    if (this.#running >= this.#concurrencyMax) return false
    this.#running++
    return true
  }

  /**
   * Waits for a place behind those who wait already. Call it when {@link tryEnter} found none.
   * An abort or the deadline ends the wait at once.
   * @throws BulkheadFullError when the queue is full; TimeoutError (not executed) at the deadline; the signal's reason
   */
  enter(deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    const waiting = (this.#waiting ??= new Set())
    if (waiting.size >= this.#queueMax) {
      this.#rejected++
      publish(() => ({ type: 'call-rejected', policy: this.#name, by: 'bulkhead' }))
      return Promise.reject(new BulkheadFullError(this.#name, this.snapshot()))
    }
    return countedWait(ADMISSION_WAIT, this.#clock, this.#wait(waiting, deadlineMs, signal))
  }

  #wait(waiting: Set<() => void>, deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const startedMs = this.#clock.monotonicMs()
      const stopWaiting = () => {
        waiting.delete(admit)
        timer?.cancel()
        signal?.removeEventListener('abort', onAbort)
      }
      const admit = () => {
        stopWaiting()
        resolve()
      }
      const onAbort = () => {
        stopWaiting()
        reject(signal?.reason)
      }
      const onDeadline = () => {
        stopWaiting()
        const waitedMs = Math.round(this.#clock.monotonicMs() - startedMs)
        reject(
          new TimeoutError(
            `The deadline passed while the call waited ${waitedMs} ms for a place in bulkhead ${this.#name}. Nothing was sent.`,
            waitedMs,
            { executed: 'no' },
          ),
        )
      }
      const timer = Number.isFinite(deadlineMs) ? this.#clock.timer(deadlineMs - startedMs, onDeadline) : undefined
      signal?.addEventListener('abort', onAbort, { once: true })
      waiting.add(admit)
    })
  }

  /** Gives the place up: to whoever waits first, if anyone does. */
  leave(): void {
    this.#running--
    this.#admitNext()
  }

  /** A lower limit stops nobody who is in, nor those who were promised a place in the queue: it only lets fewer newcomers in. */
  reconfigure(declaration: BulkheadDeclaration): void {
    this.#concurrencyMax = declaration.concurrencyMax
    this.#queueMax = declaration.queueMax ?? 0
    this.#admitNext()
  }

  snapshot(): BulkheadSnapshot {
    return {
      running: this.#running,
      queued: this.#waiting?.size ?? 0,
      concurrencyMax: this.#concurrencyMax,
      queueMax: this.#queueMax,
      rejected: this.#rejected,
    }
  }

  #admitNext(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    for (const admit of waiting) {
      if (this.#running >= this.#concurrencyMax) return
      this.#running++
      admit()
    }
  }
}
