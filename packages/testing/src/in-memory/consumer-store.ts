import {
  type Admission,
  type BeginOptions,
  type ConsumedMessage,
  type ConsumerStore,
  type DeadLetter,
  type DeadLetterLimit,
  type MessageName,
  type NewDeadLetter,
  cameBefore,
} from 'seaworthy/messaging'

/** What a consumer remembers, in memory: for tests, and for consumers that need not remember over a restart. */
export function inMemoryConsumerStore(): ConsumerStore {
  return new InMemoryConsumerStore()
}

class InMemoryConsumerStore implements ConsumerStore {
  readonly #attempts = new Map<string, number>()
  #letters: DeadLetter[] = []
  #position = 0

  async begin(message: ConsumedMessage, { deadLettersMax, atMs, countSuspect, handled }: BeginOptions): Promise<Admission> {
    const { consumer, topic, event } = message
    await this.forgetAttempts(consumer, handled)
    if (this.#letters.some((letter) => isSame(letter, message))) return { kind: 'dead' }
    const first = this.#letters.find((letter) => ofKey(letter, consumer, topic, event.key) && letter.kind !== 'skipped')
    if (first !== undefined && !cameBefore(event, first.event)) {
      const reason = 'Its key is parked behind a message that could not be handled.'
      const held = this.#insert({ ...message, kind: 'held', attempts: 0, reason, diedAtMs: atMs }, deadLettersMax)
      return held ? { kind: 'held' } : { kind: 'full' }
    }
    const id = idOf(consumer, topic, event.id)
    const before = this.#attempts.get(id) ?? 0
    if (before > 0 && !countSuspect) return { kind: 'suspect' }
    const attempt = before + 1
    this.#attempts.set(id, attempt)
    return { kind: 'run', attempt }
  }

  async forgetAttempts(consumer: string, messages: readonly MessageName[]): Promise<void> {
    for (const { topic, messageId } of messages) this.#attempts.delete(idOf(consumer, topic, messageId))
  }

  async bury(letter: NewDeadLetter, { deadLettersMax }: DeadLetterLimit): Promise<'buried' | 'full'> {
    const index = this.#letters.findIndex((other) => isSame(other, letter))
    if (index !== -1) {
      const { kind, attempts, reason, diedAtMs } = letter
      this.#letters[index] = { ...this.#letters[index]!, kind, attempts, reason, diedAtMs }
    } else if (!this.#insert(letter, deadLettersMax)) return 'full'
    this.#attempts.delete(idOf(letter.consumer, letter.topic, letter.event.id))
    return 'buried'
  }

  async deadLetters(
    consumer: string,
    options: { readonly topic?: string; readonly key?: string; readonly after?: number; readonly max: number },
  ): Promise<readonly DeadLetter[]> {
    const { topic, key, after = 0, max } = options
    const wanted = this.#letters.filter(
      (letter) =>
        letter.consumer === consumer &&
        (topic === undefined || letter.topic === topic) &&
        (key === undefined || letter.event.key === key) &&
        letter.position > after,
    )
    return structuredClone(wanted.slice(0, max))
  }

  async countRetry({ position }: DeadLetter): Promise<number | undefined> {
    const index = this.#letters.findIndex((letter) => letter.position === position)
    if (index === -1) return undefined
    const letter = this.#letters[index]!
    this.#letters[index] = { ...letter, attempts: letter.attempts + 1 }
    return letter.attempts + 1
  }

  async resolve({ position }: DeadLetter): Promise<void> {
    this.#letters = this.#letters.filter((letter) => letter.position !== position)
  }

  async countLetters(consumer: string): Promise<number> {
    return this.#letters.filter((letter) => letter.consumer === consumer).length
  }

  async parkedKeys(consumer: string): Promise<readonly { readonly topic: string; readonly key: string; readonly letters: number }[]> {
    const keys = new Map<string, { topic: string; key: string; letters: number }>()
    for (const letter of this.#letters) {
      if (letter.consumer !== consumer || letter.kind === 'skipped') continue
      const { topic } = letter
      const { key } = letter.event
      const name = JSON.stringify([topic, key])
      keys.set(name, { topic, key, letters: (keys.get(name)?.letters ?? 0) + 1 })
    }
    return [...keys.values()]
  }

  #insert(letter: NewDeadLetter, deadLettersMax: number): boolean {
    if (this.#letters.filter(({ consumer }) => consumer === letter.consumer).length >= deadLettersMax) return false
    const { consumer, topic, event, kind, attempts, reason, diedAtMs } = letter
    this.#letters.push({ position: ++this.#position, consumer, topic, event: structuredClone(event), kind, attempts, reason, diedAtMs })
    return true
  }
}

function isSame(one: ConsumedMessage, other: ConsumedMessage): boolean {
  return one.consumer === other.consumer && one.topic === other.topic && one.event.id === other.event.id
}

function ofKey(letter: DeadLetter, consumer: string, topic: string, key: string): boolean {
  return letter.consumer === consumer && letter.topic === topic && letter.event.key === key
}

function idOf(consumer: string, topic: string, messageId: string): string {
  return JSON.stringify([consumer, topic, messageId])
}
