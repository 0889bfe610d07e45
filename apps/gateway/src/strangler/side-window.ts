/** What one side of a route did lately. */
export interface SideFigures {
  readonly requests: number
  readonly errors: number
  /** Undefined before the first answers. */
  readonly p95Ms: number | undefined
}

const SLICES = 10
/** Upper bounds of the classes of latency: 1 ms, and a quarter more each, up to two minutes. A quantile is at most that much too high. */
const BOUNDS_MS = Array.from({ length: 54 }, (_, index) => 1.25 ** index)

interface Slice {
  requests: number
  errors: number
  readonly latencies: Uint32Array
}

const newSlice = (): Slice => ({ requests: 0, errors: 0, latencies: new Uint32Array(BOUNDS_MS.length + 1) })

/** Requests, errors and latencies of the last `windowMs`, to a tenth part of it, in memory that does not grow. */
export class SideWindow {
  readonly #sliceMs: number
  readonly #slices = Array.from({ length: SLICES }, newSlice)
  #slice = 0

  constructor(windowMs: number) {
    this.#sliceMs = windowMs / SLICES
  }

  record({ nowMs, isError, answerMs }: { readonly nowMs: number; readonly isError: boolean; readonly answerMs: number | undefined }): void {
    const slice = this.#at(nowMs)
    slice.requests++
    if (isError) slice.errors++
    // What failed at once would make a side look quick.
    else if (answerMs !== undefined) slice.latencies[classOf(answerMs)]!++
  }

  figures(nowMs: number): SideFigures {
    this.#at(nowMs)
    let requests = 0
    let errors = 0
    const latencies = new Uint32Array(BOUNDS_MS.length + 1)
    for (const slice of this.#slices) {
      // Every route is looked at each second, and most have had nothing.
      if (slice.requests === 0) continue
      requests += slice.requests
      errors += slice.errors
      for (let index = 0; index < latencies.length; index++) latencies[index]! += slice.latencies[index]!
    }
    return { requests, errors, p95Ms: quantileOf(latencies, 0.95) }
  }

  /** Forgets all: what comes is judged afresh. */
  clear(): void {
    for (let index = 0; index < SLICES; index++) this.#slices[index] = newSlice()
  }

  #at(nowMs: number): Slice {
    const now = Math.floor(nowMs / this.#sliceMs)
    // After a pause longer than the window every slice is emptied once.
    for (let slice = Math.max(this.#slice + 1, now - SLICES + 1); slice <= now; slice++) this.#slices[slice % SLICES] = newSlice()
    this.#slice = Math.max(this.#slice, now)
    return this.#slices[this.#slice % SLICES]!
  }
}

function classOf(latencyMs: number): number {
  return latencyMs <= 1 ? 0 : Math.min(BOUNDS_MS.length, Math.ceil(Math.log(latencyMs) / Math.log(1.25)))
}

function quantileOf(latencies: Uint32Array, quantile: number): number | undefined {
  let total = 0
  for (const count of latencies) total += count
  if (total === 0) return undefined
  let seen = 0
  for (const [index, count] of latencies.entries()) {
    seen += count
    if (seen >= quantile * total) return BOUNDS_MS[index] ?? Number.POSITIVE_INFINITY
  }
  return undefined
}
