import {
  type Clock,
  type Database,
  type Transaction,
  InvalidInputError,
  NotFoundError,
  RejectedError,
  SeaworthyError,
  observed,
  systemClock,
} from 'seaworthy/core'
import type { ParticipantRecord, ParticipantStore, StoredRefusal } from './participant-store.ts'

export interface ParticipantOptions {
  readonly database: Database
  readonly store: ParticipantStore
  readonly clock?: Clock
  /**
   * For tests that show what a rule is for. `ignored`: every repetition acts again, and the customer pays twice.
   * @internal
   */
  readonly unsafe?: { readonly idempotencyKeys: 'ignored' }
}

export interface ActionOptions {
  /** What is done, as in `reserve stock`: what a trace calls it. Low in cardinality. Default `act`, or `compensate`. */
  readonly name?: string
}

/** The receiving side of saga steps: whatever is repeated, delayed or overtaken, each key takes effect once or not at all. */
export interface Participant {
  /**
   * Does the action once per key, and answers every repetition as it did the first time, a refusal included. Effect and answer commit together.
   * @param fingerprint of the request: see {@link fingerprintOf}
   * @param action its result must be JSON-able; it refuses by throwing an error that is final, and then leaves no effect
   * @throws the refusal; RejectedError `compensated` when the action was undone before; InvalidInputError when the key was used for another request
   */
  act<Result>(key: string, fingerprint: string, action: (tx: Transaction) => Promise<Result>, options?: ActionOptions): Promise<Result>
  /**
   * Undoes the action of the key, once. `undo` gets the action's answer, and is called only if the action took effect here. In any case the
   * action can do nothing afterwards.
   * @returns whether this call undid it
   */
  compensate<Result>(key: string, undo: (tx: Transaction, result: Result) => Promise<void>, options?: ActionOptions): Promise<boolean>
}

const action = observed('saga.participant')

/** Remembers the answer of each key in the database that the action changes. */
export function participant(options: ParticipantOptions): Participant {
  return new RememberingParticipant(options)
}

type Answer<Result> = { readonly kind: 'result'; readonly result: Result } | { readonly kind: 'refused'; readonly error: unknown }

class RememberingParticipant implements Participant {
  readonly #database: Database
  readonly #store: ParticipantStore
  readonly #clock: Clock
  readonly #forgetful: boolean

  constructor(options: ParticipantOptions) {
    this.#database = options.database
    this.#store = options.store
    this.#clock = options.clock ?? systemClock
    this.#forgetful = options.unsafe?.idempotencyKeys === 'ignored'
  }

  act<Result>(
    key: string,
    fingerprint: string,
    body: (tx: Transaction) => Promise<Result>,
    { name = 'act' }: ActionOptions = {},
  ): Promise<Result> {
    return action.run(
      () => ({ name, kind: 'internal', attributes: { 'seaworthy.idempotency_key': key } }),
      async (operation) => {
        const answer = await this.#actOnce(key, fingerprint, body)
        if (answer.kind === 'result') return answer.result
        if (operation !== undefined) operation.attributes['seaworthy.refused'] = true
        throw answer.error
      },
    )
  }

  compensate<Result>(
    key: string,
    undo: (tx: Transaction, result: Result) => Promise<void>,
    { name = 'compensate' }: ActionOptions = {},
  ): Promise<boolean> {
    return action.run(
      () => ({ name, kind: 'internal', attributes: { 'seaworthy.idempotency_key': key } }),
      () =>
        this.#database.transaction(async (tx) => {
          const record = await this.#store.load(tx, key)
          // The tombstone goes first: an undo that throws takes it back with the rest.
          await this.#store.save(tx, key, { kind: 'compensated' }, this.#clock.now())
          if (record?.kind !== 'answered') return false
          await undo(tx, record.answer as Result)
          return true
        }),
    )
  }

  async #actOnce<Result>(key: string, fingerprint: string, body: (tx: Transaction) => Promise<Result>): Promise<Answer<Result>> {
    const refused: { error?: unknown } = {}
    try {
      return await this.#database.transaction(async (tx) => {
        const before = await this.#load(tx, key)
        if (before !== undefined) return answerOf<Result>(before, key, fingerprint)
        try {
          const result = throughJson(await body(tx))
          await this.#store.save(tx, key, { kind: 'answered', fingerprint, answer: result }, this.#clock.now())
          return { kind: 'result', result }
        } catch (error) {
          refused.error = error
          throw error
        }
      })
    } catch (error) {
      if (refused.error !== error || !isRefusal(error)) throw error
      return this.#refuse<Result>(key, fingerprint, error)
    }
  }

  /**
   * Remembers a refusal. The action's transaction is rolled back by then, with whatever it had written; a duplicate may have come in between,
   * and if it was answered, or undone, that stands.
   */
  #refuse<Result>(key: string, fingerprint: string, error: SeaworthyError): Promise<Answer<Result>> {
    return this.#database.transaction(async (tx) => {
      const before = await this.#load(tx, key)
      if (before !== undefined) return answerOf<Result>(before, key, fingerprint)
      await this.#store.save(tx, key, { kind: 'refused', fingerprint, refusal: refusalOf(error) }, this.#clock.now())
      return { kind: 'refused', error }
    })
  }

  async #load(tx: Transaction, key: string): Promise<ParticipantRecord | undefined> {
    return this.#forgetful ? undefined : this.#store.load(tx, key)
  }
}

function answerOf<Result>(record: ParticipantRecord, key: string, fingerprint: string): Answer<Result> {
  if (record.kind === 'compensated') {
    const text = `The action of key ${key} was compensated, so it is not done any more. Start again under a new key.`
    return { kind: 'refused', error: new RejectedError('compensated', text) }
  }
  if (record.fingerprint !== fingerprint) {
    const text = `Key ${key} was used for a different request. Use a new key for a new request.`
    return { kind: 'refused', error: new InvalidInputError(text) }
  }
  return record.kind === 'answered'
    ? { kind: 'result', result: record.answer as Result }
    : { kind: 'refused', error: errorOf(record.refusal) }
}

/** A refusal is an answer: it had no effect, and is the same for ever. Anything else may be different next time and is not remembered. */
function isRefusal(error: unknown): error is SeaworthyError {
  return error instanceof SeaworthyError && error.final && error.executed === 'no'
}

function refusalOf(error: SeaworthyError): StoredRefusal {
  return {
    code: error.code,
    message: error.message,
    ...(error instanceof RejectedError && { reason: error.reason }),
    ...(error instanceof InvalidInputError && { fields: error.fields }),
  }
}

function errorOf({ code, message, reason, fields }: StoredRefusal): SeaworthyError {
  if (reason !== undefined) return new RejectedError(reason, message)
  if (fields !== undefined) return new InvalidInputError(message, fields)
  if (code === 'not-found') return new NotFoundError(message)
  return new SeaworthyError(code, message, { executed: 'no', final: true })
}

/** The first answer as the later ones will be: through JSON. */
function throughJson<Result>(result: Result): Result {
  if (result === undefined) return result
  const text: string | undefined = JSON.stringify(result)
  return (text === undefined ? undefined : JSON.parse(text)) as Result
}
