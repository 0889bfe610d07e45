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
import type { StoredMessage, StoredQueue } from './stored-queue.ts'
import { untilChanged } from './until-changed.ts'
import { throughJson } from './wire-error.ts'

const BEFORE_SEND: readonly FaultKind[] = ['crash', 'lose', 'partition', 'restart-broker']
const AFTER_SEND: readonly FaultKind[] = ['crash', 'lose-reply']
const RECEIVE: readonly FaultKind[] = ['crash', 'delay', 'pause', 'reorder']
const BEFORE_ANSWER: readonly FaultKind[] = ['crash', 'lose', 'pause', 'restart-broker']
const AFTER_ANSWER: readonly FaultKind[] = ['crash', 'lose-reply']
const LATENCY_MS = [0.3, 5] as const
const DELAY_MS = [10_000, 70_000] as const
const PATIENCE_MS = 5_000

/** A queue as one process sees it. */
export function queueOf(process: Incarnation, stored: StoredQueue): Queue {
  return new ProcessQueue(process, stored)
}

class ProcessQueue implements Queue {
  readonly #process: Incarnation
  readonly #stored: StoredQueue
  readonly #broker: string
  /** When the last request reaches the broker: one connection keeps its order. */
  #arrivesAtMs = 0
  #closed = false

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
      await untilChanged(this.#process, {
        stored: this.#stored,
        waitMs: leftMs,
        dueMs: this.#stored.nextDueMs,
        signal: options.signal,
      })
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
    this.#closed = true
    // Whoever waits at it learns of that.
    this.#stored.wake()
  }

  #hand(options: { max: number; leaseMs: number }): Promise<readonly Delivery[]> {
    const { index, fault } = this.#process.point(this.#name('receive'), RECEIVE, { peer: this.#broker })
    if (!this.#process.alive) return this.#process.never()
    // The lease begins at the broker: an answer that comes late, or to a process that stands still, has used it up.
    const taken = this.#stored.lease(options.max, options.leaseMs, fault === 'reorder')
    for (const { id, attempts } of taken)
      this.#process.record({ kind: 'receive', queue: this.#stored.name, messageId: id, attempt: attempts, index, peer: this.#broker })
    const lateMs = fault === 'delay' ? this.#process.latency(`${index} late`, ...DELAY_MS) : 0
    const leases = taken.map(({ id, lease }) => ({ id, lease }))
    this.#process.onDeath(() => {
      for (const { id, lease } of leases) this.#stored.release(id, lease)
    })
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
    const before = this.#process.point(this.#name(`${operation}:before`), possibleBefore, { peer: this.#broker })
    if (!this.#process.alive) return this.#process.never()
    const pauseMs = Math.max(0, this.#process.pausedUntilMs - scheduler.nowMs)
    const arrived = Promise.withResolvers<(() => void) | 'lost'>()
    this.#arrivesAtMs = Math.max(this.#arrivesAtMs, scheduler.nowMs + pauseMs + this.#process.latency(before.index, ...LATENCY_MS))
    scheduler.after(this.#arrivesAtMs - scheduler.nowMs, () => {
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
      outcome === 'lost' ? 'lose-reply' : this.#process.point(this.#name(`${operation}:after`), possibleAfter, { peer: this.#broker }).fault
    await this.#process.later(after === 'lose-reply' ? PATIENCE_MS : this.#process.latency(`${before.index} back`, ...LATENCY_MS), () => {
      if (after === 'lose-reply' || outcome === 'lost') {
        throw new UnknownOutcomeError(`The queue ${this.#stored.name} did not answer within ${PATIENCE_MS} ms.`)
      }
      outcome()
    })
  }

  #name(label: string): string {
    return `queue:${labelOf(this.#stored.name)}:${label}`
  }

  #reachesBack(): boolean {
    return this.#process.world.network.reaches(this.#broker, this.#process.node)
  }

  #assertOpen(): void {
    if (this.#closed) throw new UnavailableError(`The queue ${this.#stored.name} is closed.`)
  }
}
