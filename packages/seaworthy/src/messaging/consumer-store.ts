import type { EventEnvelope } from './event.ts'

/** A message as one consumer sees it. */
export interface ConsumedMessage {
  /** The consumer's name in the store, from {@link consumerName}. */
  readonly consumer: string
  readonly topic: string
  readonly event: EventEnvelope
}

/**
 * Why a message lies among the dead letters:
 * - `skipped`: it failed, and later messages of its key went on without it.
 * - `parked`: it failed, and holds up its key.
 * - `held`: it came behind a parked message of its key, and was not tried.
 */
export type DeadLetterKind = 'skipped' | 'parked' | 'held'

/** A message that was set aside, with the evidence. */
export interface NewDeadLetter extends ConsumedMessage {
  readonly kind: DeadLetterKind
  readonly attempts: number
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly diedAtMs: number
}

export interface DeadLetter extends NewDeadLetter {
  /** Place among the dead letters: those of one key lie in the order of their arrival. Grows, may have gaps. */
  readonly position: number
}

/**
 * What to do with a message that arrived:
 * - `run`: the attempt is counted, and its number is `attempt` (1 is the first).
 * - `suspect`: an earlier attempt never ended, because the process did. Nothing is counted yet: run it alone, so that what it may kill is
 *   itself only, and say that you do.
 * - `held`: its key is parked; the message lies behind the others now.
 * - `dead`: it was set aside before, and the log delivered it again.
 * - `full`: it belongs behind a parked message, and no more can be set aside. Nothing was stored.
 */
export type Admission =
  | { readonly kind: 'run'; readonly attempt: number }
  | { readonly kind: 'suspect' }
  | { readonly kind: 'held' }
  | { readonly kind: 'dead' }
  | { readonly kind: 'full' }

/** A message by its place among those of a consumer. */
export interface MessageName {
  readonly topic: string
  readonly messageId: string
}

export interface DeadLetterLimit {
  /** The most dead letters that a consumer may have. */
  readonly deadLettersMax: number
}

export interface BeginOptions extends DeadLetterLimit {
  /** Milliseconds since the epoch. */
  readonly atMs: number
  /** Whether to count an attempt of a suspect too: it runs alone, or it was this process that tried it before. */
  readonly countSuspect: boolean
  /** Messages that were handled meanwhile: their attempts are forgotten in the same transaction, first. */
  readonly handled: readonly MessageName[]
}

/**
 * What a consumer remembers about messages that fail, in a database that only its own service opens.
 * A key is parked as long as a letter of kind `parked` or `held` is there for it: no other state can disagree with the letters.
 */
export interface ConsumerStore {
  /**
   * Decides and records in one transaction, durably, before the handler runs: so a message that kills the process is seen to, and
   * none slips past a key that is being parked or released at the same moment. Only what is in progress has attempts, because what was handled is
   * forgotten here too: else the messages handled just before one that kills the process would be counted with it, crash after crash.
   *
   * A message that {@link cameBefore} the first letter of its parked key was handled, and the log delivers it again. It runs, as whatever comes twice
   * does, and the inbox knows it; behind the letter it would be one too many.
   */
  begin(message: ConsumedMessage, options: BeginOptions): Promise<Admission>
  /** Forgets the attempts of messages that were handled. */
  forgetAttempts(consumer: string, messages: readonly MessageName[]): Promise<void>
  /**
   * Sets a message aside and forgets its attempts. Repeating it for the same message replaces kind, attempts and reason, and keeps its place.
   * @returns `full` when it is a new letter and the limit is reached: nothing was stored
   */
  bury(letter: NewDeadLetter, limit: DeadLetterLimit): Promise<'buried' | 'full'>
  /** In the order of positions, after position `after`. */
  deadLetters(
    consumer: string,
    options: { readonly topic?: string; readonly key?: string; readonly after?: number; readonly max: number },
  ): Promise<readonly DeadLetter[]>
  /** Counts another attempt of a dead letter, durably, before it is handled again. @returns its number; undefined when the letter is gone */
  countRetry(letter: DeadLetter): Promise<number | undefined>
  /** Removes a letter that was handled, or that a person gave up. With its last letter a key is no longer parked. */
  resolve(letter: DeadLetter): Promise<void>
  /** How many dead letters a consumer has, of whatever kind. */
  countLetters(consumer: string): Promise<number>
  /** Keys that are held up, and by how many letters. */
  parkedKeys(consumer: string): Promise<readonly { readonly topic: string; readonly key: string; readonly letters: number }[]>
}

/** Whether a message stands before a parked one of its key in the log, as far as their numbers tell: those of one source count together, and 0 is none. */
export function cameBefore(message: EventEnvelope, parked: EventEnvelope): boolean {
  return message.source === parked.source && message.sequence > 0 && message.sequence < parked.sequence
}

/** The name of a group's generation in the stores: a replay starts with no attempts and no parked keys, and the old letters keep their place. */
export function consumerName(group: string, generation: number): string {
  return generation === 1 ? group : `${group}#${generation}`
}
