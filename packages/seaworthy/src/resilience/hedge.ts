import { type CallContext, type Clock, contextOrRoot, systemClock, type Timer } from 'seaworthy/core'
import { assertSensible, problemsOf, type Shape } from './declaration-shape.ts'
import { LatencyWindow } from './latency-window.ts'
import type { Guard } from './policy.ts'

export interface HedgeDeclaration {
  /** A call that takes longer than this share of the latest calls gets a second one beside it. Default 0.97. */
  readonly quantile?: number
  /** Second calls per call, at most: the load that hedging adds. Default 0.03. */
  readonly ratioMax?: number
  /** Calls to learn from before the first hedge. Default 100. */
  readonly minimumCalls?: number
  /** The calls may be made twice. Without it only those with an idempotency key are hedged. Default false. */
  readonly idempotent?: boolean
}

export interface HedgeSnapshot {
  readonly name: string
  readonly calls: number
  readonly hedges: number
  /** Hedges that answered first. */
  readonly won: number
  /** The wait before a hedge; undefined until enough calls were seen. */
  readonly delayMs: number | undefined
}

export interface Hedge extends Guard {
  readonly name: string
  readonly declaration: HedgeDeclaration
  snapshot(): HedgeSnapshot
}

const HEDGE: Shape = {
  quantile: 'above 0 and below 1?',
  ratioMax: 'above 0 and at most 1?',
  minimumCalls: 'a positive integer?',
  idempotent: 'true or false?',
}
const TOKENS_MAX = 10
/** A call that is hardly later than the others is not worth a second one; 1 ms is what a timer can tell. */
const LATE_FACTOR = 1.1
/** How many of the latest calls tell whether a slow call is an exception. */
const MEMORY_CALLS = 100

/**
 * Makes a call a second time when it takes longer than nearly all others, takes the first answer, and cancels the other.
 * Jeffrey Dean and Luiz André Barroso, The Tail at Scale, 2013. It helps against a few slow calls. When many are slow, the
 * receiver is, and a second call would make it slower: then none is made. It is no retry: a call that fails has failed.
 * @throws ConfigurationError
 */
export function hedge(declaration: HedgeDeclaration, options: { readonly name: string; readonly clock?: Clock }): Hedge {
  assertSensible(`Hedge ${options.name}`, problemsOf('', declaration, HEDGE))
  return new HedgedCalls(declaration, options.name, options.clock ?? systemClock)
}

class HedgedCalls implements Hedge {
  readonly name: string
  readonly declaration: HedgeDeclaration
  readonly #clock: Clock
  readonly #quantile: number
  readonly #ratioMax: number
  readonly #minimumCalls: number
  readonly #latency: LatencyWindow
  #tokens = 0
  // A moving average: the part of calls that were later than the quantile. Near 1 - quantile while all is well.
  #lateShare: number
  #calls = 0
  #hedges = 0
  #won = 0

  constructor(declaration: HedgeDeclaration, name: string, clock: Clock) {
    this.name = name
    this.declaration = declaration
    this.#clock = clock
    this.#quantile = declaration.quantile ?? 0.97
    this.#ratioMax = declaration.ratioMax ?? 0.03
    this.#minimumCalls = declaration.minimumCalls ?? 100
    this.#latency = new LatencyWindow(this.#quantile)
    this.#lateShare = 1 - this.#quantile
  }

  run<T>(body: (call: CallContext) => Promise<T>, context: CallContext = contextOrRoot()): Promise<T> {
    this.#calls++
    this.#tokens = Math.min(TOKENS_MAX, this.#tokens + this.#ratioMax)
    const { signal } = context
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    const startedMs = this.#clock.monotonicMs()
    const delayMs = this.#delayMs(context)
    const running = new Set<AbortController>()
    return new Promise<T>((resolve, reject) => {
      let timer: Timer | undefined
      let isLate = false
      let firstError: { readonly error: unknown } | undefined
      const close = (reason: unknown) => {
        timer?.cancel()
        signal?.removeEventListener('abort', onAbort)
        if (delayMs !== undefined && !isLate) this.#remember(false)
        const losers = [...running]
        running.clear()
        for (const controller of losers) controller.abort(reason)
      }
      const onAbort = () => {
        close(signal?.reason)
        reject(signal?.reason)
      }
      const start = async (isHedge: boolean): Promise<void> => {
        const controller = new AbortController()
        running.add(controller)
        try {
          const value = await body({ ...context, signal: controller.signal })
          if (!running.delete(controller)) return
          if (isHedge) this.#won++
          this.#latency.record(this.#clock.monotonicMs() - startedMs)
          close(new DOMException('Another attempt of this call has answered.', 'AbortError'))
          resolve(value)
        } catch (error) {
          if (!running.delete(controller)) return
          firstError ??= { error }
          if (running.size > 0) return
          close(undefined)
          reject(firstError.error)
        }
      }
      const onLate = () => {
        isLate = true
        this.#remember(true)
        if (!this.#mayHedge()) return
        this.#tokens--
        this.#hedges++
        void start(true)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      if (delayMs !== undefined) timer = this.#clock.timer(delayMs, onLate)
      void start(false)
    })
  }

  snapshot(): HedgeSnapshot {
    return { name: this.name, calls: this.#calls, hedges: this.#hedges, won: this.#won, delayMs: this.#latency.valueMs }
  }

  #delayMs(context: CallContext): number | undefined {
    const repeatable = this.declaration.idempotent === true || context.idempotencyKey !== undefined
    const valueMs = this.#latency.recorded >= this.#minimumCalls ? this.#latency.valueMs : undefined
    return repeatable && valueMs !== undefined ? Math.max(valueMs * LATE_FACTOR, valueMs + 1) : undefined
  }

  #remember(late: boolean): void {
    this.#lateShare += ((late ? 1 : 0) - this.#lateShare) / MEMORY_CALLS
  }

  #mayHedge(): boolean {
    return this.#tokens >= 1 && this.#lateShare <= 2 * (1 - this.#quantile)
  }
}
