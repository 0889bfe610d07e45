import { type Clock, type Transaction, systemClock } from 'seaworthy/core'
import type { InboxMessage, InboxStore, InboxVerdict } from 'seaworthy/outbox'
import { InMemoryTransaction } from './database.ts'

/** An inbox beside an in-memory database. */
export function inMemoryInboxStore(options: { clock?: Clock } = {}): InboxStore {
  return new InMemoryInboxStore(options.clock ?? systemClock)
}

class InMemoryInboxStore implements InboxStore {
  readonly #clock: Clock
  readonly #handledAtMs = new Map<string, number>()
  readonly #last = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async admit(tx: Transaction, message: InboxMessage): Promise<InboxVerdict> {
    const transaction = InMemoryTransaction.of(tx)
    const { consumer, generation, messageId, topic, key, sequence } = message
    const id = JSON.stringify([consumer, generation, messageId])
    const ofKey = JSON.stringify([consumer, generation, topic, key])
    const last = this.#last.get(ofKey) ?? 0
    if (this.#handledAtMs.has(id)) return { kind: 'duplicate', by: 'id' }
    if (sequence > 0 && sequence <= last) return { kind: 'duplicate', by: 'sequence' }
    this.#handledAtMs.set(id, this.#clock.now())
    transaction.onRollback(() => this.#handledAtMs.delete(id))
    if (sequence === 0) return { kind: 'new' }
    this.#last.set(ofKey, sequence)
    transaction.onRollback(() => this.#last.set(ofKey, last))
    return sequence === last + 1 ? { kind: 'new' } : { kind: 'gap', expected: last + 1 }
  }

  async forget(olderThanMs: number): Promise<number> {
    const old = [...this.#handledAtMs].filter(([, handledAtMs]) => handledAtMs < olderThanMs)
    for (const [id] of old) this.#handledAtMs.delete(id)
    return old.length
  }
}
