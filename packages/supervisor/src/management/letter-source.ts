import { InvalidInputError, UnavailableError } from 'seaworthy/core'
import type { Consumer, ConsumerStore, DeadLetter, DeadQueueMessage, Queue, RequeuedLetter } from 'seaworthy/messaging'
import type { DeadLetterList, DeadLetterSource, DeadLetterSummary, RequeueAnswer, RequeueParameters } from './questions.ts'

/** A consumer of this process, with where its dead letters lie. */
export interface ManagedConsumer {
  readonly consumer: Consumer
  readonly store: ConsumerStore
  /** The consumer's name in the store (`consumerName`): its group, unless a replay raised its generation. */
  readonly name: string
}

/** Where dead letters of a process lie. */
export interface LetterSource {
  readonly name: DeadLetterSource
  list(after: number): Promise<DeadLetterList>
  find(id: string): Promise<FoundLetter | undefined>
  requeue(parameters: RequeueParameters, tell: (requeued: RequeuedLetter | { queue: string; id: string }) => void): Promise<RequeueAnswer>
}

interface FoundLetter {
  readonly summary: DeadLetterSummary
  readonly correlationId: string | null
  readonly body: unknown
}

/** Letters of one answer: with their reasons they fit into a line of the control socket. */
export const PAGE_SIZE = 50
/** Letters that one requeue tries, and the time in which it begins them; whoever wants more asks again. */
export const REQUEUE_LETTERS_MAX = 200
const REQUEUE_BUDGET_MS = 15_000
const REASON_LENGTH_MAX = 500
/** A queue hands out its dead letters from the oldest on, without a place to go on from. */
const QUEUE_SEARCH_MAX = 1_000

/** Dead letters of a consumer, in order per key. */
export function deadLettersOfConsumer({ consumer, store, name }: ManagedConsumer): LetterSource {
  const source = `consumer:${consumer.status().group}` as const
  // One after another: two for one key would each find the letters of the other gone.
  let requeueing = false
  const pages = async function* () {
    for (let after = 0; ;) {
      const letters = await store.deadLetters(name, { after, max: PAGE_SIZE })
      yield* letters
      if (letters.length < PAGE_SIZE) return
      after = letters.at(-1)!.position
    }
  }
  return {
    name: source,
    async list(after) {
      const letters = await store.deadLetters(name, { after, max: PAGE_SIZE + 1 })
      return {
        source,
        letters: letters.slice(0, PAGE_SIZE).map((letter) => clipped(summaryOf(source, letter))),
        isMore: letters.length > PAGE_SIZE,
      }
    },
    async find(id) {
      for await (const letter of pages())
        if (letter.event.id === id)
          return { summary: summaryOf(source, letter), correlationId: letter.event.correlationId, body: letter.event }
      return undefined
    },
    async requeue(parameters, tell) {
      const { topic, key } = keyOf(parameters)
      if (requeueing) throw new UnavailableError(`Dead letters of ${source} are being requeued already. Ask again when that is over.`)
      requeueing = true
      try {
        const letters: RequeueAnswer['letters'][number][] = []
        const onLetter = (requeued: RequeuedLetter) => {
          letters.push(triedAgain(requeued))
          tell(requeued)
        }
        await consumer.requeue({ topic, key }, { lettersMax: REQUEUE_LETTERS_MAX, budgetMs: REQUEUE_BUDGET_MS, onLetter })
        return { letters, left: await leftOf(topic, key) }
      } finally {
        requeueing = false
      }
    },
  }

  async function leftOf(topic: string, key: string): Promise<number> {
    let left = 0
    for (let after = 0; ;) {
      const letters = await store.deadLetters(name, { topic, key, after, max: PAGE_SIZE })
      left += letters.length
      if (letters.length < PAGE_SIZE) return left
      after = letters.at(-1)!.position
    }
  }
}

/** Dead letters of a queue, which has no order. */
export function deadLettersOfQueue(name: string, queue: Queue): LetterSource {
  const source = `queue:${name}` as const
  return {
    name: source,
    async list() {
      const letters = await queue.deadLetters({ max: PAGE_SIZE + 1 })
      return {
        source,
        letters: letters.slice(0, PAGE_SIZE).map((letter) => clipped(queuedSummary(source, letter))),
        isMore: letters.length > PAGE_SIZE,
      }
    },
    async find(id) {
      const letter = (await queue.deadLetters({ max: QUEUE_SEARCH_MAX })).find((candidate) => candidate.id === id)
      return letter && { summary: queuedSummary(source, letter), correlationId: null, body: letter.body }
    },
    async requeue(parameters, tell) {
      if (!('ids' in parameters) || !Array.isArray(parameters.ids) || parameters.ids.some((id) => typeof id !== 'string'))
        throw new InvalidInputError('Messages of a queue are requeued by their ids.', [
          { field: 'ids', message: 'must be ids of messages' },
        ])
      const ids = parameters.ids.slice(0, REQUEUE_LETTERS_MAX)
      const letters: RequeueAnswer['letters'][number][] = []
      // One by one, so that what is told was done, and what was not there is not told.
      for (const id of ids) {
        if ((await queue.requeueDead([id])) === 0) continue
        letters.push({ id, outcome: 'requeued', attempt: null, reason: null })
        tell({ queue: name, id })
      }
      return { letters, left: parameters.ids.length - ids.length }
    },
  }
}

/** What was asked for, of letters that have an order. @throws InvalidInputError */
export function keyOf(parameters: RequeueParameters): { readonly topic: string; readonly key: string } {
  if ('key' in parameters && typeof parameters.topic === 'string' && typeof parameters.key === 'string') return parameters
  throw new InvalidInputError('These letters are requeued by their key, because of their order: name topic and key.', [
    { field: 'key', message: 'must be given with its topic' },
  ])
}

export function triedAgain({ letter, attempt, outcome, reason }: RequeuedLetter): RequeueAnswer['letters'][number] {
  return { id: letter.event.id, outcome, attempt, reason: reason?.slice(0, REASON_LENGTH_MAX) ?? null }
}

export function summaryOf(
  source: DeadLetterSource,
  { event, topic, kind, attempts, reason, diedAtMs, position }: DeadLetter,
): DeadLetterSummary {
  const { id, key, type, sequence } = event
  return { source, id, topic, key, type, sequence, kind, attempts, reason, diedAtMs, position }
}

function queuedSummary(source: DeadLetterSource, { id, attempts, reason, diedAtMs }: DeadQueueMessage): DeadLetterSummary {
  return { source, id, topic: null, key: null, type: null, sequence: null, kind: 'queued', attempts, reason, diedAtMs, position: null }
}

export function clipped(summary: DeadLetterSummary): DeadLetterSummary {
  return summary.reason.length <= REASON_LENGTH_MAX ? summary : { ...summary, reason: `${summary.reason.slice(0, REASON_LENGTH_MAX)}…` }
}
