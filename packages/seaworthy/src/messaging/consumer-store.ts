import type { EventEnvelope } from './event.ts'

/** Why a message was set aside. */
export interface DeadLetter {
  readonly consumer: string
  readonly topic: string
  readonly event: EventEnvelope
  readonly attempts: number
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly diedAtMs: number
}

/** What a consumer remembers about messages that fail. */
export interface ConsumerStore {
  /** Counts an attempt before the handler runs, durably, and tells its number (1 is the first): a message that kills the process is seen to. */
  countAttempt(consumer: string, messageId: string): Promise<number>
  /** Forgets the count, after success or after the message was set aside. */
  clearAttempts(consumer: string, messageIds: readonly string[]): Promise<void>
  /** Sets a message aside, with the reason. */
  bury(letter: DeadLetter): Promise<void>
  /** Keys held up behind a parked message of theirs. */
  parkedKeys(consumer: string): Promise<ReadonlySet<string>>
  deadLetters(consumer: string, max: number): Promise<readonly DeadLetter[]>
  /** Takes dead letters of a key out, in their order, to be handled again; the key is no longer parked. */
  exhume(consumer: string, key: string): Promise<readonly DeadLetter[]>
}
