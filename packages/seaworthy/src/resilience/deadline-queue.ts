import { type Clock, nextMacrotask, type Timer } from 'seaworthy/core'

/** Something that ends at a moment unless it is taken out before. */
export interface Due {
  /** On the monotonic clock. */
  readonly dueMs: number
  expire(): void
  /** Its place in the queue, -1 outside; the queue's to write. */
  queueIndex: number
}

/** A timer that comes later than this came from an event loop that stood still. */
const STALL_MS = 20

/**
 * Deadlines in a binary heap, with one timer for all of them: a timer per call would be half of what a call costs. Calls
 * that may all take the same time come in order, so that adding one is a comparison. It has the clock's resolution, and
 * never ends anything early.
 *
 * The timer stays armed when the last entry leaves, because the next call is likely to need it; it then keeps no process
 * alive, fires at most once, and does nothing.
 */
export class DeadlineQueue {
  readonly #clock: Clock
  readonly #heap: Due[] = []
  #timer: Timer | undefined
  #timerDueMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(entry: Due, nowMs: number): void {
    const heap = this.#heap
    heap.push(entry)
    this.#rise(entry, heap.length - 1)
    if (this.#timer === undefined || entry.dueMs < this.#timerDueMs) this.#arm(entry.dueMs, nowMs)
    else if (heap.length === 1) this.#timer.keepAlive?.(true)
  }

  remove(entry: Due): void {
    const index = entry.queueIndex
    if (index === -1) return
    entry.queueIndex = -1
    const heap = this.#heap
    const last = heap.pop()!
    if (last !== entry) {
      this.#rise(last, index)
      this.#sink(last, last.queueIndex)
    } else if (heap.length === 0) this.#rest()
  }

  #rise(entry: Due, from: number): void {
    const heap = this.#heap
    let index = from
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex]!
      if (parent.dueMs <= entry.dueMs) break
      heap[index] = parent
      parent.queueIndex = index
      index = parentIndex
    }
    heap[index] = entry
    entry.queueIndex = index
  }

  #sink(entry: Due, from: number): void {
    const heap = this.#heap
    let index = from
    for (;;) {
      let childIndex = 2 * index + 1
      if (childIndex + 1 < heap.length && heap[childIndex + 1]!.dueMs < heap[childIndex]!.dueMs) childIndex++
      const child = heap[childIndex]
      if (child === undefined || child.dueMs >= entry.dueMs) break
      heap[index] = child
      child.queueIndex = index
      index = childIndex
    }
    heap[index] = entry
    entry.queueIndex = index
  }

  #rest(): void {
    if (this.#timer === undefined) return
    if (this.#timer.keepAlive !== undefined) this.#timer.keepAlive(false)
    else {
      this.#timer.cancel()
      this.#timer = undefined
    }
  }

  #arm(dueMs: number, nowMs: number): void {
    this.#timer?.cancel()
    this.#timerDueMs = dueMs
    this.#timer = this.#clock.timer(dueMs - nowMs, () => {
      this.#timer = undefined
      // The answers that arrived while the event loop stood still are read in the turn that follows: they were in time.
      if (this.#clock.monotonicMs() - dueMs > STALL_MS) nextMacrotask(() => this.#expire())
      else this.#expire()
    })
  }

  #expire(): void {
    const nowMs = this.#clock.monotonicMs()
    for (let entry = this.#heap[0]; entry !== undefined && entry.dueMs <= nowMs; entry = this.#heap[0]) {
      this.remove(entry)
      entry.expire()
    }
    const next = this.#heap[0]
    if (next !== undefined && (this.#timer === undefined || next.dueMs < this.#timerDueMs)) this.#arm(next.dueMs, nowMs)
  }
}
