import {
  type InMemoryEventLog,
  VirtualClock,
  inMemoryConsumerStore,
  inMemoryDatabase,
  inMemoryEventLog,
  inMemoryInboxStore,
} from '@seaworthy/testing'
import { constant } from 'seaworthy/core'
import {
  type Attempt,
  type Consumer,
  type ConsumerOptions,
  type ConsumerStore,
  type EventEnvelope,
  type EventLog,
  type LogReader,
  startConsumer,
} from 'seaworthy/messaging'
import { inbox } from 'seaworthy/outbox'

export interface ConsumerStage {
  readonly clock: VirtualClock
  readonly log: InMemoryEventLog
  readonly store: ConsumerStore
  /** Events that the handler finished, by the order of finishing. */
  readonly handled: EventEnvelope[]
  readonly attempts: { readonly id: string; readonly attempt: number }[]
  /** What the handler does: replaced by tests. */
  behave: (event: EventEnvelope, attempt: Attempt) => Promise<void> | void
  start(options?: Partial<ConsumerOptions>): Promise<Consumer>
  /** The process of the last consumer that was started dies: nothing that it begins from now on reaches anybody, and another may take its place. */
  crash(): void
  /** The handler behind an inbox: its effects are pushed to `handled` when the transaction commits. */
  readonly idempotent: ConsumerOptions['handler']
  ids(): readonly string[]
}

export function consumerStage({ partitions = 1 }: { partitions?: number } = {}): ConsumerStage {
  const clock = new VirtualClock()
  const log = inMemoryEventLog({ partitions, clock })
  const store = inMemoryConsumerStore()
  const database = inMemoryDatabase({ clock })
  const box = inbox({ store: inMemoryInboxStore({ clock }), database, consumer: 'history', clock })
  let alive = { value: true }
  const stage: ConsumerStage = {
    clock,
    log,
    store,
    handled: [],
    attempts: [],
    behave: () => undefined,
    start: (options = {}) => {
      const process = { value: true }
      alive = process
      const handler: ConsumerOptions['handler'] =
        options.handler ??
        (async (event, attempt) => {
          stage.attempts.push({ id: event.id, attempt: attempt.attempt })
          await stage.behave(event, attempt)
          stage.handled.push(event)
        })
      return startConsumer({
        log,
        group: 'history',
        topics: ['things'],
        onPoison: 'park-key',
        concurrencyMax: 1,
        backoff: constant(1_000),
        clock,
        ...options,
        store: mortal(store, process),
        handler: (event, attempt) => (process.value ? handler(event, attempt) : NEVER),
      })
    },
    crash: () => {
      alive.value = false
      log.evict('history')
    },
    idempotent: box.handle(async (event, tx, attempt) => {
      stage.attempts.push({ id: event.id, attempt: attempt.attempt })
      await stage.behave(event, attempt)
      tx.afterCommit(() => stage.handled.push(event))
    }),
    ids: () => stage.handled.map(({ id }) => id),
  }
  return stage
}

const NEVER = new Promise<never>(() => undefined)

/** The store as a process sees it: after its death no call arrives. */
function mortal(store: ConsumerStore, alive: { readonly value: boolean }): ConsumerStore {
  return new Proxy(store, {
    get: (target, name: keyof ConsumerStore) =>
      alive.value ? (...args: never[]) => (target[name] as (...args: never[]) => unknown).apply(target, args) : () => NEVER,
  })
}

/** The log, with some methods of its readers replaced. */
export function spying(log: InMemoryEventLog, replace: (reader: LogReader) => Partial<LogReader>): EventLog {
  return {
    append: log.append.bind(log),
    topics: log.topics.bind(log),
    close: log.close.bind(log),
    reader: async (options: Parameters<typeof log.reader>[0]): Promise<LogReader> => {
      const reader = await log.reader(options)
      return {
        poll: reader.poll.bind(reader),
        commit: reader.commit.bind(reader),
        seek: reader.seek.bind(reader),
        lag: reader.lag.bind(reader),
        close: reader.close.bind(reader),
        ...replace(reader),
      }
    },
  }
}
