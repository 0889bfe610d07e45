import { InvalidInputError, NotFoundError } from 'seaworthy/core'
import type { EventLog, Queue, RequeuedLetter } from 'seaworthy/messaging'
import type { Relay } from 'seaworthy/outbox'
import type { RunningDocumentProjection } from 'seaworthy/projections'
import type { Answer } from './answering.ts'
import { deadLettersOfProjection, projectionStatus } from './projection-letters.ts'
import { type LetterSource, type ManagedConsumer, deadLettersOfConsumer, deadLettersOfQueue } from './letter-source.ts'
import type { MessageQuestions, MessagesStatus } from './questions.ts'

export interface MessageManagementOptions {
  readonly log: EventLog
  /** Topics that this process publishes and consumes. Those of others are theirs to show. */
  readonly publishes: readonly string[]
  readonly consumes: readonly string[]
  /** The body of a message as text, without what must not be seen. */
  readonly redacted: (body: unknown) => string
  /** Told of each letter that was handled again, and who asked for it. */
  readonly onRequeued?: (requeued: RequeuedLetter | { readonly queue: string; readonly id: string }, by: string) => void
}

export interface MessageManagement {
  readonly answers: Readonly<Record<keyof MessageQuestions, Answer>>
  /** Parts are added as they start: nothing needs to be known beforehand. */
  addRelay(relay: Relay): void
  addConsumer(consumer: ManagedConsumer): void
  addQueue(name: string, queue: Queue): void
  /** @returns a function that takes it out again, when it is built no longer */
  addProjection(running: RunningDocumentProjection): () => void
}

const PARKED_MAX = 100
const RETRYING_MAX = 100
const BODY_LENGTH_MAX = 64 * 1024

/** Answers for the messages of one process: its outbox, consumers, queues, projections, topics and dead letters. */
export function messageManagement(options: MessageManagementOptions): MessageManagement {
  return new ProcessMessages(options)
}

type Answers = {
  readonly [Name in keyof MessageQuestions]: (
    parameters: MessageQuestions[Name]['parameters'],
    by: string | undefined,
  ) => Promise<MessageQuestions[Name]['answer']>
}

class ProcessMessages implements MessageManagement {
  readonly answers: Readonly<Record<keyof MessageQuestions, Answer>>
  readonly #options: MessageManagementOptions
  readonly #consumers: ManagedConsumer[] = []
  readonly #queues = new Map<string, Queue>()
  readonly #projections: RunningDocumentProjection[] = []
  readonly #sources: LetterSource[] = []
  #relay: Relay | undefined

  constructor(options: MessageManagementOptions) {
    this.#options = options
    const answers: Answers = {
      messages: () => this.#status(),
      'dead-letters': ({ source, after }) => this.#list(source, after),
      'dead-letter': ({ id, source }) => this.#show(id, source),
      'requeue-dead-letters': (parameters, by) => this.#requeue(parameters, by ?? 'somebody'),
    }
    // What comes over the channel is checked where it is used.
    this.answers = answers as unknown as Readonly<Record<keyof MessageQuestions, Answer>>
  }

  addRelay(relay: Relay): void {
    this.#relay = relay
  }

  addConsumer(managed: ManagedConsumer): void {
    this.#consumers.push(managed)
    this.#sources.push(deadLettersOfConsumer(managed))
  }

  addQueue(name: string, queue: Queue): void {
    this.#queues.set(name, queue)
    this.#sources.push(deadLettersOfQueue(name, queue))
  }

  addProjection(running: RunningDocumentProjection): () => void {
    const letters = deadLettersOfProjection(running)
    this.#projections.push(running)
    this.#sources.push(letters)
    return () => {
      this.#projections.splice(this.#projections.indexOf(running), 1)
      this.#sources.splice(this.#sources.indexOf(letters), 1)
    }
  }

  async #status(): Promise<MessagesStatus> {
    const { log, publishes, consumes } = this.#options
    const topics = new Set([...publishes, ...consumes])
    const [outbox, consumers, queues, projections, all] = await Promise.all([
      this.#relay?.status() ?? null,
      Promise.all(
        this.#consumers.map(async ({ consumer, store, name }) => {
          const status = consumer.status()
          const [deadLetters, parked] = await Promise.all([store.countLetters(name), store.parkedKeys(name)])
          return {
            ...status,
            retrying: status.retrying.slice(0, RETRYING_MAX),
            deadLetters,
            parkedKeys: parked.length,
            parked: parked.slice(0, PARKED_MAX),
          }
        }),
      ),
      Promise.all([...this.#queues].map(async ([name, queue]) => ({ name, ...(await queue.status()) }))),
      Promise.all(this.#projections.map(projectionStatus)),
      log.topics(),
    ])
    return { outbox, consumers, queues, projections, publishes, topics: all.filter(({ topic }) => topics.has(topic)) }
  }

  async #list(source: unknown, after: unknown): Promise<MessageQuestions['dead-letters']['answer']> {
    if (after !== undefined && !Number.isSafeInteger(after)) throw invalid('after', 'must be a position')
    const sources = source === undefined ? this.#sources : [this.#source(source)]
    return { sources: await Promise.all(sources.map((one) => one.list((after as number | undefined) ?? 0))) }
  }

  async #show(id: unknown, source: unknown): Promise<MessageQuestions['dead-letter']['answer']> {
    if (typeof id !== 'string') throw invalid('id', 'must be the id of a message')
    for (const one of source === undefined ? this.#sources : [this.#source(source)]) {
      const found = await one.find(id)
      if (found === undefined) continue
      const { summary, body, correlationId } = found
      const text = this.#options.redacted(body)
      return { ...summary, correlationId, body: text.slice(0, BODY_LENGTH_MAX), isCut: text.length > BODY_LENGTH_MAX }
    }
    throw new NotFoundError(`There is no dead letter ${id}. It was requeued meanwhile, or lies with another service.`)
  }

  async #requeue(
    parameters: MessageQuestions['requeue-dead-letters']['parameters'],
    by: string,
  ): Promise<MessageQuestions['requeue-dead-letters']['answer']> {
    return this.#source(parameters.source).requeue(parameters, (requeued) => this.#options.onRequeued?.(requeued, by))
  }

  #source(name: unknown): LetterSource {
    const found = this.#sources.find((source) => source.name === name)
    if (found !== undefined) return found
    const names = this.#sources.map((source) => source.name)
    throw new NotFoundError(
      `There are no dead letters of ${String(name)} here. This service has: ${names.length === 0 ? 'none' : names.join(', ')}.`,
    )
  }
}

function invalid(field: string, message: string): InvalidInputError {
  return new InvalidInputError(`${field} ${message}.`, [{ field, message }])
}
