import { UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import {
  type DeadQueueMessage,
  type Delivery,
  LeaseLostError,
  type NewQueueMessage,
  type Queue,
  type QueueStatus,
} from 'seaworthy/messaging'
import type { FaultKind } from '../faults/fault.ts'
import { labelOf } from '../kernel/execution-index.ts'
import type { Happening } from '../kernel/history.ts'
import type { Incarnation } from '../world/incarnation.ts'
import type { SharedEngine } from '../world/world.ts'
import { throughJson } from './wire-error.ts'

export interface QueueOptions {
  /** Deliveries of a message at most, before it is set aside. Default 10. */
  readonly deliveryLimit?: number
  /** How long an id is remembered, in milliseconds. Default 7 days. */
  readonly dedupeWindowMs?: number
}

const BEFORE_SEND: readonly FaultKind[] = ['crash', 'lose', 'partition', 'restart-broker']
const AFTER_SEND: readonly FaultKind[] = ['crash', 'lose-reply']
const RECEIVE: readonly FaultKind[] = ['crash', 'delay', 'pause', 'reorder']
const BEFORE_ANSWER: readonly FaultKind[] = ['crash', 'lose', 'pause', 'restart-broker']
const AFTER_ANSWER: readonly FaultKind[] = ['crash', 'lose-reply']
const LATENCY_MS = [0.3, 5] as const
const DELAY_MS = [10_000, 70_000] as const
const PATIENCE_MS = 5_000

interface StoredMessage {
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

/** A queue as one process sees it. */
export function queueOf(process: Incarnation, stored: StoredQueue): Queue {
  return new ProcessQueue(process, stored)
}

class ProcessQueue implements Queue {
  readonly #process: Incarnation
  readonly #stored: StoredQueue
  readonly #broker: string
  readonly #closing = new AbortController()

  constructor(process: Incarnation, stored: StoredQueue) {
    this.#process = process
    this.#stored = stored
    this.#broker = `queue ${stored.name}`
  }

  send(message: NewQueueMessage): Promise<void> {
    const copy = throughJson(message)
    return this.#ask('send', [BEFORE_SEND, AFTER_SEND], { kind: 'send', queue: this.#stored.name, messageId: message.id }, () =>
      this.#stored.send(copy),
    )
  }

  async receive(options: { max: number; leaseMs: number; waitMs: number; signal?: AbortSignal }): Promise<readonly Delivery[]> {
    const { clock } = this.#process
    const deadlineMs = clock.monotonicMs() + options.waitMs
    for (;;) {
      if (!this.#process.alive) return this.#process.never()
      this.#assertOpen()
      options.signal?.throwIfAborted()
      if (this.#stored.isDown || !this.#reachesBack()) {
        return this.#process.later(this.#process.latency(`down ${clock.monotonicMs()}`, 10, 50), () => {
          throw new UnavailableError(`The queue ${this.#stored.name} cannot be reached.`)
        })
      }
      if (this.#stored.status().ready > 0) return this.#hand(options)
      const leftMs = deadlineMs - clock.monotonicMs()
      if (leftMs <= 0) return []
      await this.#untilChanged(leftMs, options.signal)
    }
  }

  async status(): Promise<QueueStatus> {
    return this.#stored.status()
  }

  async deadLetters({ max }: { max: number }): Promise<readonly DeadQueueMessage[]> {
    return this.#stored.dead().slice(0, max)
  }

  async requeueDead(ids: readonly string[]): Promise<number> {
    return this.#stored.requeueDead(ids)
  }

  async close(): Promise<void> {
    this.#closing.abort(new UnavailableError(`The queue ${this.#stored.name} is closed.`))
  }

  #hand(options: { max: number; leaseMs: number }): Promise<readonly Delivery[]> {
    const { index, fault } = this.#process.point(this.#name('receive'), RECEIVE, this.#broker)
    if (!this.#process.alive) return this.#process.never()
    // The lease begins at the broker: an answer that comes late, or to a process that stands still, has used it up.
    const taken = this.#stored.lease(options.max, options.leaseMs, fault === 'reorder')
    for (const { id, attempts } of taken)
      this.#process.record({ kind: 'receive', queue: this.#stored.name, messageId: id, attempt: attempts, index, peer: this.#broker })
    const lateMs = fault === 'delay' ? this.#process.latency(`${index} late`, ...DELAY_MS) : 0
    const deliveries = taken.map((message) => this.#delivery(message))
    return this.#process.later(lateMs + this.#process.latency(index, ...LATENCY_MS), () => deliveries)
  }

  #delivery({ id, text, attempts, lease }: StoredMessage): Delivery {
    const stored = this.#stored
    const { body, context } = JSON.parse(text) as Pick<Delivery, 'body' | 'context'>
    const answer = (kind: 'acknowledge' | 'reject', work: () => void) =>
      this.#ask(kind, [BEFORE_ANSWER, AFTER_ANSWER], { kind, queue: stored.name, messageId: id }, work)
    return {
      id,
      body,
      context,
      attempt: attempts,
      acknowledge: () => answer('acknowledge', () => stored.acknowledge(id, lease)),
      reject: (options) => answer('reject', () => stored.reject(id, lease, options)),
      extend: (leaseMs) => this.#process.later(1, () => stored.extend(id, lease, leaseMs)),
    }
  }

  /** A request to the broker and its answer. */
  async #ask(
    operation: string,
    [possibleBefore, possibleAfter]: readonly [readonly FaultKind[], readonly FaultKind[]],
    happening: Happening,
    work: () => void,
  ): Promise<void> {
    if (!this.#process.alive) return this.#process.never()
    this.#assertOpen()
    const { scheduler, network } = this.#process.world
    const before = this.#process.point(this.#name(`${operation}:before`), possibleBefore, this.#broker)
    if (!this.#process.alive) return this.#process.never()
    const pauseMs = Math.max(0, this.#process.pausedUntilMs - scheduler.nowMs)
    const arrived = Promise.withResolvers<(() => void) | 'lost'>()
    scheduler.after(pauseMs + this.#process.latency(before.index, ...LATENCY_MS), () => {
      if (before.fault === 'lose' || !network.reaches(this.#process.node, this.#broker)) return arrived.resolve('lost')
      try {
        if (this.#stored.isDown) throw new UnavailableError(`The queue ${this.#stored.name} is down.`)
        work()
        this.#process.record({ ...happening, index: before.index, peer: this.#broker })
        arrived.resolve(() => undefined)
      } catch (error) {
        if (error instanceof LeaseLostError && 'messageId' in happening)
          this.#process.record({ kind: 'lease-lost', queue: this.#stored.name, messageId: happening.messageId, peer: this.#broker })
        arrived.resolve(() => {
          throw error
        })
      }
    })
    const outcome = await arrived.promise
    const after =
      outcome === 'lost' ? 'lose-reply' : this.#process.point(this.#name(`${operation}:after`), possibleAfter, this.#broker).fault
    await this.#process.later(after === 'lose-reply' ? PATIENCE_MS : this.#process.latency(`${before.index} back`, ...LATENCY_MS), () => {
      if (after === 'lose-reply' || outcome === 'lost') {
        throw new UnknownOutcomeError(`The queue ${this.#stored.name} did not answer within ${PATIENCE_MS} ms.`)
      }
      outcome()
    })
  }

  #untilChanged(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const { scheduler } = this.#process.world
      const leave = () => {
        timer.cancel()
        due?.cancel()
        forget()
        forgetDeath()
        signal?.removeEventListener('abort', onAbort)
        this.#closing.signal.removeEventListener('abort', onChange)
      }
      const onChange = () => {
        leave()
        void this.#process.later(0, resolve)
      }
      const onAbort = () => {
        leave()
        reject(signal?.reason)
      }
      const timer = this.#process.clock.timer(waitMs, () => {
        leave()
        resolve()
      })
      const nextDueMs = this.#stored.nextDueMs
      const due = nextDueMs === undefined ? undefined : scheduler.after(nextDueMs - scheduler.nowMs, onChange, { owner: this.#process })
      const forget = this.#stored.onChange(onChange)
      const forgetDeath = this.#process.onDeath(leave)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#closing.signal.addEventListener('abort', onChange, { once: true })
    })
  }

  #name(label: string): string {
    return `queue:${labelOf(this.#stored.name)}:${label}`
  }

  #reachesBack(): boolean {
    return this.#process.world.network.reaches(this.#broker, this.#process.node)
  }

  #assertOpen(): void {
    this.#closing.signal.throwIfAborted()
  }
}
