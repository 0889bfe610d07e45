import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { getEventListeners } from 'node:events'
import { type Clock, ConfigurationError, UnavailableError, constant, sleep } from 'seaworthy/core'
import type { NodePorts } from '@seaworthy/simulation'
import { type EventLog, defineEvent } from 'seaworthy/messaging'
import { type OutboxStore, type Relay, type RelayStatus, outbox, startRelay } from 'seaworthy/outbox'
import { outboxStoreSchema, sqliteOutboxStore } from 'seaworthy/sqlite'
import { acceptAnything, tables } from './simulated-world.ts'

export interface Order {
  readonly id: string
}

const orderPlaced = defineEvent('order.placed', {
  topic: 'orders',
  version: 1,
  key: ({ id }) => id,
  schema: acceptAnything<Order>(),
})

/** What the operator sees. */
export interface Status extends RelayStatus {
  /** By the relays before this one. */
  readonly sentBefore: number
  /** Orders that were accepted. */
  readonly stored: number
}

/** How the relay is ended: by `stop()`, by its signal, or by its signal while the log refuses what it sends. */
export type Ending = 'stop' | 'signal' | 'signal, held up'

const POLL_MS = 1_000
const BACKOFF_MS = 150
const STILL_MS = 50
const READING_MS = 3
const PATIENCE_MS = 300

// What is written down.
export const STARTS = 'a relay starts'
export const STOPPED = 'a relay stopped'
export const WRONG = 'wrong'
export const FAILED = 'what the relay asked for failed'
export const HELD_UP = 'the relay is held up'
export const RECOVERED = 'the relay goes on'
export const CONFIRMED = 'the publishing of an event ended'

/** Orders, whose relay is watched, and can be stopped and held up. */
export async function startOrders(ports: NodePorts) {
  const { note, clock } = ports
  const database = await ports.database({
    schema: [tables('orders', 'CREATE TABLE orders (id TEXT PRIMARY KEY) STRICT'), outboxStoreSchema],
  })
  const store = new WatchedStore(sqliteOutboxStore(database), ports)
  const log = new WatchedLog(ports)
  listen(ports, () => log.relay)
  const begin = (signal: AbortSignal) => {
    note(STARTS)
    const relay = startRelay({ store, log, batchSizeMax: 2, pollMs: POLL_MS, backoff: constant(BACKOFF_MS), signal })
    log.relay = relay
    return relay
  }
  try {
    startRelay({ store, log, batchSizeMax: 0, signal: AbortSignal.abort() })
    note(`${WRONG}: batches of nothing are taken`)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
  }
  let signal = new AbortController()
  let relay = begin(signal.signal)
  let sentBefore = 0
  const lookAtFirstFailure = async () => {
    await sleep(clock, POLL_MS / 2)
    const status = await relay.status()
    if (store.asked === 1 && status.lastError === undefined) note(`${WRONG}: it could not look for topics`, status)
  }
  void lookAtFirstFailure()

  const restart = async (ending: Ending) => {
    const heldUp = ending === 'signal, held up'
    if (heldUp) {
      log.refuses = true
      await sleep(clock, BACKOFF_MS / 2)
    }
    // So that there is a batch to finish.
    else await log.untilSending()
    const startedMs = clock.monotonicMs()
    if (ending !== 'stop') signal.abort()
    const stopping = ending === 'stop' ? relay.stop() : undefined
    const during = await relay.status()
    if (during.state === 'running') note(`${WRONG}: it is told to stop, and says that it runs`, during)
    await stopping
    // Waits for the same end, however it was begun.
    await relay.stop()
    note(STOPPED, clock.monotonicMs() - startedMs)
    const after = await relay.status()
    const listeners = getEventListeners(signal.signal, 'abort').length + store.listeners
    if (after.state !== 'stopped' || after.topics.some(({ state }) => state !== 'idle')) note(`${WRONG}: it has stopped`, after)
    if (listeners > 0) note(`${WRONG}: it has stopped, and listens`, listeners)
    for (const { sent } of after.topics) sentBefore += sent
    log.refuses = false
    await startedTooLate()
    await stoppedAtOnce()
    await sleep(clock, STILL_MS)
    signal = new AbortController()
    relay = begin(signal.signal)
  }
  const startedTooLate = async () => {
    const late = startRelay({ store, log, signal: AbortSignal.abort() })
    await sleep(clock, STILL_MS)
    const status = await late.status()
    if (status.state !== 'stopped') note(`${WRONG}: its signal was aborted before it began`, status)
  }
  const stoppedAtOnce = async () => {
    const brief = begin(new AbortController().signal)
    await brief.stop()
    note(STOPPED, 0)
    if (store.underWay > 0) note(`${WRONG}: it has stopped, and reads the outbox`)
  }
  let restarting = Promise.resolve()
  const out = outbox({ store, topics: ['orders'] })
  return {
    place: (orders: readonly Order[]) =>
      database.transaction(async (tx) => {
        for (const order of orders) {
          const { rowCount } = await tx.execute({ sql: 'INSERT OR IGNORE INTO orders (id) VALUES (?)', params: [order.id] })
          if (rowCount === 1) await out.add(tx, orderPlaced(order))
        }
      }),
    // One after another: the operator may have asked twice.
    restart: ({ ending }: { ending: Ending }) => (restarting = restarting.then(() => restart(ending))),
    refuse: async ({ forMs }: { forMs: number }) => {
      log.refuses = true
      await sleep(clock, forMs)
      log.refuses = false
    },
    async status(): Promise<Status> {
      const [counted] = await database.query<{ stored: number }>({ sql: 'SELECT count(*) AS stored FROM orders' })
      return { ...(await relay.status()), sentBefore, stored: counted!.stored }
    },
  }
}

/** The outbox, whose topics cannot be asked for at first; it tells when it fails, how often it was asked for them, and how many listen to it. */
class WatchedStore implements OutboxStore {
  readonly #store: OutboxStore
  readonly #clock: Clock
  readonly #note: NodePorts['note']
  listeners = 0
  asked = 0
  underWay = 0

  constructor(store: OutboxStore, { note, clock }: NodePorts) {
    this.#store = store
    this.#note = note
    this.#clock = clock
  }

  add: OutboxStore['add'] = (tx, topic, events) => this.#store.add(tx, topic, events)
  backlog: OutboxStore['backlog'] = () => this.#store.backlog()
  unsent: OutboxStore['unsent'] = (topic, max) => tellingOfFailure(this.#note, () => this.#store.unsent(topic, max))
  markSent: OutboxStore['markSent'] = (positions) => tellingOfFailure(this.#note, () => this.#store.markSent(positions))

  async topics(): Promise<readonly string[]> {
    if (this.asked++ === 0) throw new UnavailableError('The outbox cannot be read yet.')
    this.underWay++
    await sleep(this.#clock, READING_MS)
    this.underWay--
    return this.#store.topics()
  }

  onAdded(listener: (topic: string) => void): () => void {
    this.listeners++
    const stop = this.#store.onAdded(listener)
    return () => {
      this.listeners--
      stop()
    }
  }
}

/** The log, which can be made to refuse; it looks at the relay's status while that sends. */
class WatchedLog implements EventLog {
  readonly #log: EventLog
  readonly #clock: Clock
  readonly #note: NodePorts['note']
  refuses = false
  relay: Relay | undefined
  #sending = () => {}

  constructor({ eventLog, note, clock }: NodePorts) {
    this.#log = eventLog
    this.#note = note
    this.#clock = clock
  }

  append: EventLog['append'] = (topic, events) =>
    tellingOfFailure(this.#note, async () => {
      const status = await this.relay?.status()
      if (status?.topics.some(({ state }) => state !== 'sending') === true) this.#note(`${WRONG}: it is sending`, status)
      if (this.refuses) throw new UnavailableError('The log takes nothing.')
      this.#sending()
      await this.#log.append(topic, events)
      if ((await this.relay?.status())?.state === 'stopped') this.#note(`${WRONG}: it is sending still`)
    })

  /** Settles when something is sent, or else after a while. */
  untilSending(): Promise<void> {
    return new Promise((resolve) => {
      this.#sending = resolve
      this.#clock.timer(PATIENCE_MS, resolve)
    })
  }

  reader: EventLog['reader'] = (options) => this.#log.reader(options)
  topics: EventLog['topics'] = () => this.#log.topics()
  close: EventLog['close'] = () => this.#log.close()
}

async function tellingOfFailure<T>(note: NodePorts['note'], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    note(FAILED, String(error))
    throw error
  }
}

/** Writes down what the relay's channels tell, as telemetry would. */
function listen({ note, process }: NodePorts, relay: () => Relay | undefined): void {
  const hear = (name: string, listener: (message: unknown) => void) => {
    subscribe(name, listener)
    process.onDeath(() => unsubscribe(name, listener))
  }
  hear('seaworthy:relay.held-up', () => {
    note(HELD_UP)
    void lookAtHeldUp(relay(), note)
  })
  hear('seaworthy:relay.recovered', (message) => note(RECOVERED, message))
  const ended = (operation: unknown) => {
    const { attributes, error } = operation as { attributes: Record<string, unknown>; error?: unknown }
    if (error === undefined) note(CONFIRMED, attributes['messaging.message.id'])
  }
  const { asyncEnd } = tracingChannel('seaworthy:outbox.publish')
  asyncEnd.subscribe(ended)
  process.onDeath(() => asyncEnd.unsubscribe(ended))
}

async function lookAtHeldUp(relay: Relay | undefined, note: NodePorts['note']): Promise<void> {
  const status = await relay?.status()
  if (status?.state !== 'running') return
  const says = status.topics.some(
    ({ state, failuresInARow, lastError }) => state === 'backing-off' && failuresInARow === 1 && lastError !== undefined,
  )
  if (!says) note(`${WRONG}: it is held up`, status)
}
