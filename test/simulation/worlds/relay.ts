import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { getEventListeners } from 'node:events'
import { type Clock, ConfigurationError, UnavailableError, constant, sleep } from 'seaworthy/core'
import { type HistoryEntry, type NodePorts, type WorldView, client, invariant, node, violated } from '@seaworthy/simulation'
import { type EventLog, defineEvent } from 'seaworthy/messaging'
import { type OutboxStore, type Relay, type RelayRecovered, type RelayStatus, outbox, startRelay } from 'seaworthy/outbox'
import { outboxStoreSchema, sqliteOutboxStore } from 'seaworthy/sqlite'
import { conserved, noneLost, noneTwice } from '../checkers.ts'
import { type SimulatedWorld, acceptAnything, tables } from './simulated-world.ts'

interface Order {
  readonly id: string
}

const orderPlaced = defineEvent('order.placed', {
  topic: 'orders',
  version: 1,
  key: ({ id }) => id,
  schema: acceptAnything<Order>(),
})

/** What the operator sees. */
interface Status extends RelayStatus {
  /** By the relays before this one. */
  readonly sentBefore: number
  /** Orders that were accepted. */
  readonly stored: number
}

/** How the relay is ended: by `stop()`, by its signal, or by its signal while the log refuses what it sends. */
type Ending = 'stop' | 'signal' | 'signal, held up'

const CUSTOMERS = ['ada', 'grace', 'hal']
const ORDERS_EACH = 4
const BETWEEN_ORDERS_MS = 130
const ENDINGS: readonly Ending[] = ['stop', 'signal', 'signal, held up']
const BURST = ['one', 'two', 'three', 'four', 'five'].map((number) => ({ id: `burst-${number}` }))
const LATE = Array.from({ length: 6 }, (_, index) => ({ id: `late-${index + 1}` }))
const BETWEEN_LATE_MS = 190
const ORDERS = CUSTOMERS.length * ORDERS_EACH + BURST.length + LATE.length
const POLL_MS = 1_000
/** Far less than the relay's poll, for whatever need not wait for it. */
const PROMPT_MS = 100
const BACKOFF_MS = 150
const STILL_MS = 50
const READING_MS = 3
const PATIENCE_MS = 300
const REFUSING_MS = 500
/** When nobody stops the relay any more, and the log takes what comes. */
const QUIET_AFTER_MS = 1_400

// What is written down.
const AT_REST = 'the relay is at rest'
const STARTS = 'a relay starts'
const STOPPED = 'a relay stopped'
const WRONG = 'wrong'
const FAILED = 'what the relay asked for failed'
const HELD_UP = 'the relay is held up'
const RECOVERED = 'the relay goes on'
const CONFIRMED = 'the publishing of an event ended'

/** Orders with a relay that is stopped and started while orders come in, whose log refuses for a while, and whose every word is written down. */
export function relayWorld(): SimulatedWorld {
  return {
    name: 'relay',
    chapter: 'outbox',
    // What goes astray on the way is a part of other worlds. This one is about what the relay says and does when it is held up or stopped.
    faults: ['crash', 'pause', 'restart-broker', 'disk-full'],
    system: {
      nodes: [node('orders', startOrders)],
      clients: [
        ...CUSTOMERS.map((customer) =>
          client(customer, async ({ call, sleep: wait }) => {
            for (let number = 1; number <= ORDERS_EACH; number++) {
              await call('orders', 'place', [{ id: `${customer}-${number}` }])
              await wait(BETWEEN_ORDERS_MS)
            }
          }),
        ),
        client('operator', async ({ call, sleep: wait, note }) => {
          for (const ending of ENDINGS) {
            await wait(20)
            await call('orders', 'restart', { ending })
          }
          await call('orders', 'refuse', { forMs: REFUSING_MS })
          for (;;) {
            const status = await call<Status>('orders', 'status', {})
            const idle = status.topics.every(({ state, failuresInARow }) => state === 'idle' && failuresInARow === 0)
            if (idle && status.stored === ORDERS && status.backlog.messages === 0 && status.lastError === undefined) {
              note(AT_REST, status)
              return
            }
            await wait(200)
          }
        }),
        client('hurried', async ({ call, sleep: wait }) => {
          await wait(QUIET_AFTER_MS)
          await call('orders', 'place', BURST)
          for (const order of LATE) {
            await wait(BETWEEN_LATE_MS)
            await call('orders', 'place', [order])
          }
        }),
      ],
    },
    invariants: [
      invariant('every order that was accepted is told of', (view) => {
        const stored = view.query<Order>('orders', 'SELECT id FROM orders').map(({ id }) => id)
        conserved('Orders accepted', placed(view).length, ORDERS)
        noneLost('Accepted order', placed(view), stored)
        noneLost('The event of order', stored, published(view))
      }),
      invariant('while nothing goes wrong no event is published twice, also where the relay was stopped in between', (view) => {
        if (!somethingWrong(view)) noneTwice('The event of order', published(view))
      }),
      invariant('nothing is published while the relay is stopped', (view) => {
        let stopped = false
        for (const entry of view.history) {
          if (entry.node !== 'orders') continue
          if (entry.kind === 'start' || (entry.kind === 'note' && entry.text === STARTS)) stopped = false
          if (entry.kind === 'note' && entry.text === STOPPED) stopped = true
          if (entry.kind === 'append' && stopped)
            violated(`${entry.events.map(({ key }) => key).join(', ')} was published by a relay that had stopped.`)
        }
      }),
      invariant('while nothing goes wrong nobody waits for a poll, neither for an event nor for the end of a relay', (view) => {
        if (somethingWrong(view)) return
        const appendedAtMs = new Map(view.records('orders').map(({ event, appendedAtMs: atMs }) => [event.key, atMs]))
        for (const { client: name, request, atMs } of view.acknowledged) {
          if (name !== 'hurried') continue
          for (const { id } of request as readonly Order[]) {
            const waitedMs = appendedAtMs.get(id)! - atMs
            if (waitedMs > PROMPT_MS) violated(`The event of order ${id} waited ${Math.round(waitedMs)} ms in the outbox.`)
          }
        }
        for (const { text, data } of notesOf(view)) {
          if (text === STOPPED && (data as number) > PROMPT_MS) violated(`The relay took ${String(data)} ms to stop.`)
        }
      }),
      invariant('the status says what is the case', (view) => {
        const wrong = notesOf(view).find(({ text }) => text.startsWith(WRONG))
        if (wrong !== undefined) violated(`${wrong.text}: ${JSON.stringify(wrong.data)}`)
      }),
      invariant('while nothing goes wrong the status counts every event once', (view) => {
        if (somethingWrong(view)) return
        const { topics, sentBefore } = notesOf(view).find(({ text }) => text === AT_REST)!.data as Status
        const sent = topics.reduce((sum, topic) => sum + topic.sent, sentBefore)
        conserved('Events sent', sent, ORDERS)
      }),
      invariant('whoever listens hears when the relay is held up, once, and when it goes on', heldUpAndRecovered),
      invariant('an event counts as published once the log has it', (view) => {
        const appended = new Set<string>()
        for (const entry of view.history) {
          if (entry.kind === 'append') for (const { id } of entry.events) appended.add(id)
          const isTold = entry.kind === 'note' && entry.text === CONFIRMED
          if (isTold && !appended.has(entry.data as string)) violated(`Event ${String(entry.data)} was said to be published before it was.`)
        }
      }),
    ],
  }
}

async function startOrders(ports: NodePorts) {
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
  void sleep(clock, POLL_MS / 2)
    .then(() => relay.status())
    .then((status) => {
      if (store.asked === 1 && status.lastError === undefined) note(`${WRONG}: it could not look for topics`, status)
    })

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
    void relay()
      ?.status()
      .then((status) => {
        const says = status.topics.some(({ state, failuresInARow, lastError }) => {
          return state === 'backing-off' && failuresInARow === 1 && lastError !== undefined
        })
        if (!says && status.state === 'running') note(`${WRONG}: it is held up`, status)
      })
  })
  hear('seaworthy:relay.recovered', (message) => note(RECOVERED, message))
  const ended = (operation: unknown) => {
    const { attributes, error } = operation as { attributes: Record<string, unknown>; error?: unknown }
    if (error === undefined) note(CONFIRMED, attributes['messaging.message.id'])
  }
  const { asyncEnd } = tracingChannel('seaworthy:outbox.publish')
  asyncEnd.subscribe(ended)
  process.onDeath(() => void asyncEnd.unsubscribe(ended))
}

/** A streak of failures is told of at its first, and at its end with how many there were and how long it took; unless the relay ends before. */
function heldUpAndRecovered(view: WorldView): void {
  let failures = 0
  let told = false
  let sinceMs = 0
  const atItsEnd = () => {
    if (failures > 0 && !told) violated('The relay was held up, and nobody was told.')
    failures = 0
    told = false
  }
  for (const entry of view.history) {
    if (entry.node !== 'orders') continue
    if (entry.kind === 'crash') {
      failures = 0
      told = false
    }
    if (entry.kind !== 'note') continue
    switch (entry.text) {
      case FAILED:
        if (++failures === 1) sinceMs = entry.atMs
        else if (!told) violated('The relay was held up, and nobody was told.')
        break
      case HELD_UP:
        if (told || failures !== 1) violated(`The relay said that it is held up, after ${failures} failures.`)
        told = true
        break
      case RECOVERED: {
        const { failures: counted, heldUpMs } = entry.data as RelayRecovered
        if (counted !== failures) violated(`The relay goes on after ${failures} failures, and says ${counted}.`)
        const tookMs = entry.atMs - sinceMs
        if (Math.abs(heldUpMs - tookMs) > 2) violated(`The relay was held up for ${tookMs} ms, and says ${heldUpMs} ms.`)
        atItsEnd()
        break
      }
      case STOPPED:
        // A failure while it stops is nobody's business: what is not sent stays in the outbox.
        failures = 0
        told = false
    }
  }
  if (failures > 0) violated('The relay was held up, and never went on.')
}

type Note = Extract<HistoryEntry, { kind: 'note' }>
const notesOf = (view: WorldView) => view.history.filter((entry): entry is Note => entry.kind === 'note')
const somethingWrong = (view: WorldView) => view.history.some(({ fault }) => fault !== undefined)
const published = (view: WorldView) => view.records('orders').map(({ event }) => event.key)
const placed = (view: WorldView) =>
  view.acknowledged
    .filter(({ client: name }) => name !== 'operator')
    .flatMap(({ request }) => (request as readonly Order[]).map(({ id }) => id))
