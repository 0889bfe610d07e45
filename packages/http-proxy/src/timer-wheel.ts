import type { Clock, Timer } from 'seaworthy/core'

const SLOTS = 256

/**
 * Time limits of many connections on one timer. To set a limit again, which happens several times a request, is to write a number.
 * They fire up to three ticks late, never early.
 */
export class TimerWheel {
  readonly #clock: Clock
  readonly #tickMs: number
  readonly #slots: WheelTimer[] = []
  #count = 0
  #tick = 0
  #nowMs = 0
  #timer: Timer | undefined

  constructor(options: { readonly clock: Clock; readonly tickMs: number }) {
    this.#clock = options.clock
    this.#tickMs = options.tickMs
    for (let slot = 0; slot < SLOTS; slot++) this.#slots.push(new WheelTimer(this, () => {}))
  }

  /** A timer that is not set. */
  timer(fire: () => void): WheelTimer {
    return new WheelTimer(this, fire)
  }

  /** @internal */
  dueMs(delayMs: number): number {
    if (this.#timer === undefined) {
      this.#nowMs = this.#clock.monotonicMs()
      this.#tick = Math.floor(this.#nowMs / this.#tickMs)
      this.#arm()
    }
    // The time is as old as the last tick.
    return this.#nowMs + this.#tickMs + delayMs
  }

  /** @internal */
  link(timer: WheelTimer, dueMs: number): void {
    const tick = Math.max(this.#tick + 1, Math.ceil(dueMs / this.#tickMs))
    timer.insertAfter(this.#slots[tick % SLOTS]!)
    this.#count++
  }

  /** @internal */
  unlinked(): void {
    this.#count--
  }

  #arm(): void {
    this.#timer = this.#clock.timer(this.#tickMs, () => this.#advance(), { keepAlive: false })
  }

  #advance(): void {
    this.#nowMs = this.#clock.monotonicMs()
    const now = Math.floor(this.#nowMs / this.#tickMs)
    // After a stall of the event loop, one turn covers every slot.
    const from = Math.max(this.#tick + 1, now - SLOTS + 1)
    this.#tick = now
    for (let tick = from; tick <= now; tick++) this.#slots[tick % SLOTS]!.expireChain(this.#nowMs)
    if (this.#count === 0) this.#timer = undefined
    else this.#arm()
  }
}

/** A limit that is set, moved and cancelled; a node of its slot's ring. */
export class WheelTimer {
  readonly #wheel: TimerWheel
  readonly #fire: () => void
  #previous: WheelTimer = this
  #next: WheelTimer = this
  #dueMs = Number.POSITIVE_INFINITY
  /** When its slot comes up; it is then moved on if it is not yet due. */
  #slotMs = Number.POSITIVE_INFINITY

  constructor(wheel: TimerWheel, fire: () => void) {
    this.#wheel = wheel
    this.#fire = fire
  }

  set(delayMs: number): void {
    const dueMs = this.#wheel.dueMs(delayMs)
    this.#dueMs = dueMs
    if (this.#next !== this && dueMs >= this.#slotMs) return
    this.#unlink()
    this.#slotMs = dueMs
    this.#wheel.link(this, dueMs)
  }

  /** Keeps its place for the next `set`. */
  cancel(): void {
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  /** Cancels it and leaves nothing behind. */
  release(): void {
    this.cancel()
    this.#unlink()
  }

  /** @internal */
  insertAfter(node: WheelTimer): void {
    this.#previous = node
    this.#next = node.#next
    node.#next.#previous = this
    node.#next = this
  }

  /** @internal Fires what is due in the ring of this slot, and moves the rest on. */
  expireChain(nowMs: number): void {
    const chain: WheelTimer[] = []
    for (let node = this.#next; node !== this; node = node.#next) chain.push(node)
    for (const timer of chain) timer.#expire(nowMs)
  }

  #expire(nowMs: number): void {
    // Released by one that fired before it.
    if (this.#next === this) return
    this.#unlink()
    if (this.#dueMs === Number.POSITIVE_INFINITY) return
    if (this.#dueMs <= nowMs) {
      this.cancel()
      this.#fire()
      return
    }
    this.#slotMs = this.#dueMs
    this.#wheel.link(this, this.#dueMs)
  }

  #unlink(): void {
    if (this.#next === this) return
    this.#previous.#next = this.#next
    this.#next.#previous = this.#previous
    this.#previous = this
    this.#next = this
    this.#wheel.unlinked()
  }
}
