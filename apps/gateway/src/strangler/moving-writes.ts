import { type Clock, type Timer, UnavailableError } from 'seaworthy/core'
import type { HeldForwarding } from './held-forwarding.ts'
import { HeldKeys } from './held-keys.ts'

const PARKED_MAX = 10_000
/** How long a write waits for its key alone. What keeps that so long may need somebody to mend it. */
const KEY_HELD_MAX_MS = 10_000
/** A hold that nobody releases ends by itself. */
const HOLD_MAX_MS = 30_000

/**
 * The requests of one route that change something, where its data moves along with them. While the data moves they wait, and then go to whoever owns it:
 * that is decided when a request goes on, not when it came. After a rollback those wait on whose keys are held.
 */
export class MovingWrites {
  readonly #parked = new Set<HeldForwarding>()
  readonly #clock: Clock
  readonly held: HeldKeys
  #inFlight = 0
  #moves = 0
  #onIdle: (() => void) | undefined
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.held = new HeldKeys(clock, () => this.#goOn())
  }

  /** How often the data has begun to move, there or back. */
  get moves(): number {
    return this.#moves
  }

  /** Whether all of them wait. */
  get isHeld(): boolean {
    return this.#timer !== undefined
  }

  /** Keeps new ones waiting. @returns once those in flight are over, or after `drainMs` */
  hold(drainMs: number): Promise<void> {
    this.#moves++
    this.#timer?.cancel()
    this.#timer = this.#clock.timer(HOLD_MAX_MS, () => this.release(), { keepAlive: false })
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const limit = this.#clock.timer(drainMs, resolve, { keepAlive: false })
      this.#onIdle = () => {
        limit.cancel()
        resolve()
      }
    })
  }

  release(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#goOn()
  }

  /** Those that need not wait any longer go on. */
  #goOn(): void {
    if (this.isHeld) return
    for (const each of this.#parked) {
      if (this.held.has(each.key)) each.waitForKey(this.#clock, KEY_HELD_MAX_MS)
      else {
        this.#parked.delete(each)
        each.go()
      }
    }
  }

  /** @returns whether it waits. @throws UnavailableError when too many do */
  parks(forwarding: HeldForwarding): boolean {
    const isKeyHeld = this.held.has(forwarding.key)
    if (!this.isHeld && !isKeyHeld) return false
    if (this.#parked.size >= PARKED_MAX)
      throw new UnavailableError(`The route is being moved, and ${PARKED_MAX} requests wait for it already.`, { retryAfterMs: 1_000 })
    this.#parked.add(forwarding)
    if (!this.isHeld) forwarding.waitForKey(this.#clock, KEY_HELD_MAX_MS)
    return true
  }

  unpark(forwarding: HeldForwarding): void {
    this.#parked.delete(forwarding)
  }

  begun(): void {
    this.#inFlight++
  }

  ended(): void {
    this.#inFlight--
    if (this.#inFlight === 0) this.#onIdle?.()
  }
}
