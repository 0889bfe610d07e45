import { type Clock, type Transaction, systemClock } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type OutboxEntry, type OutboxStore, serializeEvent } from 'seaworthy/outbox'
import { InMemoryTransaction } from './database.ts'

/** An outbox beside an in-memory database. */
export function inMemoryOutboxStore(options: { eventBytesMax?: number; clock?: Clock } = {}): OutboxStore {
  return new InMemoryOutboxStore(options.eventBytesMax ?? 950_000, options.clock ?? systemClock)
}

class InMemoryOutboxStore implements OutboxStore {
  readonly #eventBytesMax: number
  readonly #clock: Clock
  readonly #sequences = new Map<string, number>()
  readonly #listeners = new Set<(topic: string) => void>()
  #committed: OutboxEntry[] = []
  #position = 0

  constructor(eventBytesMax: number, clock: Clock) {
    this.#eventBytesMax = eventBytesMax
    this.#clock = clock
  }

  async add(tx: Transaction, topic: string, events: readonly EventEnvelope[]): Promise<void> {
    if (events.length === 0) return
    const transaction = InMemoryTransaction.of(tx)
    // Through JSON and back, as every other store does: what does not survive that shows here already.
    const stored = events.map((event) => JSON.parse(serializeEvent(event, this.#eventBytesMax)) as EventEnvelope)
    const entries = stored.map((event): OutboxEntry => {
      const name = JSON.stringify([topic, event.key])
      const before = this.#sequences.get(name) ?? 0
      this.#sequences.set(name, before + 1)
      transaction.onRollback(() => this.#sequences.set(name, before))
      return { position: ++this.#position, topic, event: { ...event, sequence: before + 1 }, addedAtMs: this.#clock.now() }
    })
    transaction.onCommit(() => this.#committed.push(...entries))
    transaction.afterCommit(() => {
      for (const listener of this.#listeners) listener(topic)
    })
  }

  async topics(): Promise<readonly string[]> {
    return [...new Set(this.#committed.map(({ topic }) => topic))]
  }

  async unsent(topic: string, max: number): Promise<readonly OutboxEntry[]> {
    return structuredClone(this.#committed.filter((entry) => entry.topic === topic).slice(0, max))
  }

  async markSent(positions: readonly number[]): Promise<void> {
    const sent = new Set(positions)
    this.#committed = this.#committed.filter(({ position }) => !sent.has(position))
  }

  async backlog(): Promise<{ readonly messages: number; readonly oldestAtMs: number | undefined }> {
    return { messages: this.#committed.length, oldestAtMs: this.#committed[0]?.addedAtMs }
  }

  onAdded(listener: (topic: string) => void): () => void {
    const own = (topic: string) => listener(topic)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }
}
