import { type DeadQueueMessage, LeaseLostError, type NewQueueMessage, type QueueStatus } from 'seaworthy/messaging'
import type { SharedEngine } from '../world/world.ts'

export interface QueueOptions {
  /** Deliveries of a message at most, before it is set aside. Default 10. */
  readonly deliveryLimit?: number
  /** How long an id is remembered, in milliseconds. Default 7 days. */
  readonly dedupeWindowMs?: number
}

export interface StoredMessage {
  readonly id: string
  readonly text: string
  state: 'waiting' | 'leased' | 'dead'
  attempts: number
  /** When it can be handed out: the end of its delay, or of its lease. */
  dueMs: number
  /** Told apart from earlier leases, also across a requeue. */
  lease: number
  reason: string
  diedAtMs: number
}

/** The queue's broker: what it took survives everything. */
export class StoredQueue implements SharedEngine {
  readonly name: string
  readonly #deliveryLimit: number
  readonly #dedupeWindowMs: number
  readonly #nowMs: () => number
  readonly #messages = new Map<string, StoredMessage>()
  readonly #seen = new Map<string, number>()
  readonly #waiting = new Set<() => void>()
  #leases = 0
  #downUntilMs = 0

  constructor(name: string, nowMs: () => number, options: QueueOptions = {}) {
    this.name = name
    this.#nowMs = nowMs
    this.#deliveryLimit = options.deliveryLimit ?? 10
    this.#dedupeWindowMs = options.dedupeWindowMs ?? 7 * 86_400_000
  }

  get isDown(): boolean {
    return this.#downUntilMs > this.#nowMs()
  }

  /** Messages will be handed out that are not now: the system is not at rest. */
  get busy(): boolean {
    for (const { state } of this.#messages.values()) if (state !== 'dead') return true
    return false
  }

  goDown(forMs: number): void {
    this.#downUntilMs = this.#nowMs() + forMs
    this.wake()
  }

  heal(): void {
    this.#downUntilMs = 0
    this.wake()
  }

  send({ id, body, context, delayMs = 0 }: NewQueueMessage): void {
    const now = this.#nowMs()
    const seenMs = this.#seen.get(id)
    if (this.#messages.has(id) || (seenMs !== undefined && now - seenMs <= this.#dedupeWindowMs)) return
    this.#seen.set(id, now)
    const text = JSON.stringify({ body, context })
    this.#messages.set(id, { id, text, state: 'waiting', attempts: 0, dueMs: now + delayMs, lease: 0, reason: '', diedAtMs: 0 })
    this.wake()
  }

  /** Leases up to `max` messages. `latestFirst`: as a queue may, which promises no order. */
  lease(max: number, leaseMs: number, latestFirst: boolean): readonly StoredMessage[] {
    this.#expire()
    const ready = [...this.#messages.values()].filter(({ state, dueMs }) => state === 'waiting' && dueMs <= this.#nowMs())
    const taken = (latestFirst ? ready.toReversed() : ready.toSorted((one, other) => one.dueMs - other.dueMs)).slice(0, max)
    for (const message of taken) {
      message.state = 'leased'
      message.attempts++
      message.lease = ++this.#leases
      message.dueMs = this.#nowMs() + leaseMs
    }
    return taken
  }

  /** The message, if this lease still holds. @throws LeaseLostError */
  held(id: string, lease: number): StoredMessage {
    this.#expire()
    const message = this.#messages.get(id)
    if (message === undefined || message.state !== 'leased' || message.lease !== lease) throw new LeaseLostError(id)
    return message
  }

  acknowledge(id: string, lease: number): void {
    this.held(id, lease)
    this.#messages.delete(id)
    this.#seen.set(id, this.#seen.get(id) ?? this.#nowMs())
  }

  reject(id: string, lease: number, options: { reason: string; delayMs?: number; dead?: boolean }): void {
    const message = this.held(id, lease)
    if (options.dead === true || message.attempts >= this.#deliveryLimit) this.#bury(message, options.reason)
    else {
      message.state = 'waiting'
      message.dueMs = this.#nowMs() + (options.delayMs ?? 0)
      message.reason = options.reason
    }
    this.wake()
  }

  extend(id: string, lease: number, leaseMs: number): void {
    this.held(id, lease).dueMs = this.#nowMs() + leaseMs
  }

  /** Takes a lease back at once: the connection of whoever held it broke. */
  release(id: string, lease: number): void {
    const message = this.#messages.get(id)
    if (message === undefined || message.state !== 'leased' || message.lease !== lease) return
    message.dueMs = this.#nowMs()
    this.#expire()
    this.wake()
  }

  status(): QueueStatus {
    this.#expire()
    const now = this.#nowMs()
    const counts = { ready: 0, delayed: 0, leased: 0, dead: 0 }
    for (const { state, dueMs } of this.#messages.values()) {
      if (state === 'waiting') counts[dueMs <= now ? 'ready' : 'delayed']++
      else counts[state]++
    }
    return counts
  }

  dead(): readonly DeadQueueMessage[] {
    this.#expire()
    return [...this.#messages.values()]
      .filter(({ state }) => state === 'dead')
      .map(({ id, text, attempts, reason, diedAtMs }) => ({
        id,
        body: (JSON.parse(text) as { body: unknown }).body,
        attempts,
        reason,
        diedAtMs,
      }))
  }

  requeueDead(ids: readonly string[]): number {
    let count = 0
    for (const id of new Set(ids)) {
      const message = this.#messages.get(id)
      if (message?.state !== 'dead') continue
      Object.assign(message, { state: 'waiting', attempts: 0, dueMs: this.#nowMs(), reason: '' })
      count++
    }
    this.wake()
    return count
  }

  /** When the next message becomes ready by itself; undefined when none will. */
  get nextDueMs(): number | undefined {
    let next: number | undefined
    for (const { state, dueMs } of this.#messages.values()) {
      if (state !== 'dead' && (next === undefined || dueMs < next)) next = dueMs
    }
    return next
  }

  onChange(wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => this.#waiting.delete(wake)
  }

  wake(): void {
    for (const wake of this.#waiting) wake()
  }

  /** What was leased for too long is ready again, or was delivered too often. */
  #expire(): void {
    const now = this.#nowMs()
    for (const message of this.#messages.values()) {
      if (message.state !== 'leased' || message.dueMs > now) continue
      if (message.attempts >= this.#deliveryLimit) this.#bury(message, 'Its lease ended without an answer, at the last delivery.')
      else message.state = 'waiting'
    }
  }

  #bury(message: StoredMessage, reason: string): void {
    message.state = 'dead'
    message.reason = reason
    message.diedAtMs = Math.floor(this.#nowMs())
  }
}
