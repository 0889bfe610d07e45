import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { suite, test } from 'node:test'
import { type InMemoryEventLog, VirtualClock, inMemoryDatabase, inMemoryEventLog, inMemoryOutboxStore } from '@seaworthy/testing'
import * as fc from 'fast-check'
import {
  type Operation,
  ConfigurationError,
  constant,
  currentContext,
  rootContext,
  setTraceContextOwner,
  withContext,
} from 'seaworthy/core'
import type { EventEnvelope, EventLog } from 'seaworthy/messaging'
import { type OutboxStore, type RelayOptions, outbox, startRelay } from 'seaworthy/outbox'
import { counted, sequences } from '../messaging/events.ts'

class Broker implements EventLog {
  readonly inner: InMemoryEventLog
  readonly appends: (readonly EventEnvelope[])[] = []
  /** Called before each append: throws or waits. */
  before: (topic: string) => Promise<void> | void = () => undefined
  /** Called after what came is stored: throws, as a confirmation that was lost. */
  after: (topic: string) => Promise<void> | void = () => undefined

  constructor(clock: VirtualClock) {
    this.inner = inMemoryEventLog({ partitions: 1, clock })
  }

  async append(topic: string, events: readonly EventEnvelope[]): Promise<void> {
    await this.before(topic)
    this.appends.push(events)
    await this.inner.append(topic, events)
    await this.after(topic)
  }

  reader: EventLog['reader'] = (options) => this.inner.reader(options)
  topics: EventLog['topics'] = () => this.inner.topics()
  close: EventLog['close'] = () => this.inner.close()

  stored(topic = 'things'): readonly EventEnvelope[] {
    return this.inner.partitions(topic).flatMap((records) => records.map(({ event }) => event))
  }
}

function stage() {
  const clock = new VirtualClock()
  const database = inMemoryDatabase({ clock })
  const store = inMemoryOutboxStore({ clock })
  const broker = new Broker(clock)
  const box = outbox({ store })
  const add = (...events: readonly EventEnvelope[]) => database.transaction((tx) => box.add(tx, ...events))
  const relay = (options: Partial<RelayOptions> = {}) => startRelay({ store, log: broker, backoff: constant(100), clock, ...options })
  return { clock, database, store, broker, add, relay }
}

const made = (key: string, n: number, source = 'things'): EventEnvelope => ({ ...counted({ key, n }), source })

void suite('the relay', () => {
  test('sends what was committed at once, without waiting for a poll', async () => {
    const { clock, add, relay, broker, store } = stage()
    const running = relay()
    await clock.advance(0)
    await add(made('a', 1), made('b', 1), made('a', 2))
    await clock.advance(0)
    assert.deepEqual(sequences(broker.stored()), { a: [1, 2], b: [1] })
    assert.deepEqual(await store.backlog(), { messages: 0, oldestAtMs: undefined })
    await running.stop()
    assert.deepEqual(clock.pending, [])
  })

  test('sends what was there before it started', async () => {
    const { clock, add, relay, broker } = stage()
    await add(made('a', 1))
    const running = relay()
    await clock.advance(0)
    assert.equal(broker.stored().length, 1)
    await running.stop()
  })

  test('finds by polling what nobody woke it for', async () => {
    const { clock, add, relay, broker, store } = stage()
    const deaf: OutboxStore = Object.assign(Object.create(store) as OutboxStore, {
      add: store.add.bind(store),
      unsent: store.unsent.bind(store),
      topics: store.topics.bind(store),
      markSent: store.markSent.bind(store),
      onAdded: () => () => undefined,
    })
    const running = relay({ store: deaf, pollMs: 500 })
    await clock.advance(0)
    await add(made('a', 1))
    await clock.advance(499)
    assert.equal(broker.stored().length, 0)
    await clock.advance(1)
    assert.equal(broker.stored().length, 1)
    await running.stop()
  })

  test('sends a long backlog in batches of the size allowed', async () => {
    const { clock, add, relay, broker } = stage()
    await add(...Array.from({ length: 25 }, (_, index) => made('a', index + 1)))
    const running = relay({ batchSizeMax: 10 })
    await clock.advance(0)
    assert.deepEqual(
      broker.appends.map((events) => events.length),
      [10, 10, 5],
    )
    assert.deepEqual(
      broker.stored().map(({ sequence }) => sequence),
      Array.from({ length: 25 }, (_, index) => index + 1),
    )
    await running.stop()
  })

  test('tries a failing broker again with back-off, skips nothing, and says so', async (t) => {
    const { clock, add, relay, broker } = stage()
    const told: unknown[] = []
    for (const name of ['seaworthy:relay.held-up', 'seaworthy:relay.recovered']) {
      const note = (message: unknown) => void told.push(message)
      subscribe(name, note)
      t.after(() => unsubscribe(name, note))
    }
    let failures = 0
    broker.before = () => {
      if (++failures <= 3) throw new Error('broker is down')
    }
    const addedAtMs = clock.now()
    await add(made('a', 1), made('a', 2))
    const running = relay()
    await clock.advance(0)
    await add(made('a', 3))
    await clock.advance(250)
    assert.equal(failures, 3)
    const status = await running.status()
    assert.deepEqual(status.backlog, { messages: 3, oldestAtMs: addedAtMs })
    assert.deepEqual(status.topics, [
      {
        topic: 'things',
        state: 'backing-off',
        sent: 0,
        failuresInARow: 3,
        lastError: { message: 'Error: broker is down', atMs: addedAtMs + 200 },
      },
    ])
    await clock.advance(100)
    assert.deepEqual(sequences(broker.stored()), { a: [1, 2, 3] })
    assert.deepEqual((await running.status()).topics[0]!.failuresInARow, 0)
    // Once at the first failure and once at the end of them, however many there were.
    assert.deepEqual(told, [
      { topic: 'things', error: new Error('broker is down') },
      { topic: 'things', failures: 3, heldUpMs: 300 },
    ])
    await running.stop()
  })

  test('a topic whose broker fails or hangs does not hold up another', async () => {
    const { clock, add, relay, broker } = stage()
    broker.before = async (topic) => {
      if (topic === 'failing') throw new Error('no')
      if (topic === 'hanging') await release.promise
    }
    const release = Promise.withResolvers<void>()
    for (let n = 1; n <= 250; n++) await add(made('a', n, 'failing'), made('a', n, 'hanging'))
    await add(made('a', 1, 'things'))
    const running = relay()
    await clock.advance(0)
    assert.equal(broker.stored('things').length, 1)
    await add(made('a', 2, 'things'))
    await clock.advance(0)
    assert.equal(broker.stored('things').length, 2)
    release.resolve()
    await running.stop()
  })

  test('a batch whose marking fails is marked again, not sent again', async () => {
    const { clock, add, relay, broker, store } = stage()
    const markSent = store.markSent.bind(store)
    let marks = 0
    store.markSent = async (positions) => {
      if (++marks <= 2) throw new Error('disk is full')
      await markSent(positions)
    }
    await add(made('a', 1))
    const running = relay()
    await clock.advance(1_000)
    assert.equal(marks, 3)
    assert.equal(broker.appends.length, 1)
    await running.stop()
  })

  test('a crash between the append and the marking sends again, in order, the same events', async () => {
    const { clock, add, relay, broker, store } = stage()
    const markSent = store.markSent.bind(store)
    let fired = 0
    store.markSent = async () => {
      fired++
      throw new Error('the process died here')
    }
    await add(made('a', 1), made('a', 2))
    const crashed = relay()
    await clock.advance(0)
    await crashed.stop()
    assert.ok(fired > 0)
    store.markSent = markSent
    const next = relay()
    await clock.advance(0)
    assert.deepEqual(sequences(broker.stored()), { a: [1, 2, 1, 2] })
    const ids = broker.stored().map(({ id }) => id)
    assert.deepEqual(ids.slice(0, 2), ids.slice(2))
    assert.equal((await store.backlog()).messages, 0)
    await next.stop()
  })

  test('an append whose answer was lost is sent again before anything later', async () => {
    const { clock, add, relay, broker } = stage()
    let lost = false
    broker.after = () => {
      if (lost) return
      lost = true
      throw new Error('connection reset')
    }
    await add(made('a', 1))
    const running = relay()
    await clock.advance(0)
    await add(made('a', 2))
    await clock.advance(100)
    assert.deepEqual(sequences(broker.stored()), { a: [1, 1, 2] })
    await running.stop()
  })

  test('a store that fails is asked again', async () => {
    const { clock, add, relay, broker, store } = stage()
    const unsent = store.unsent.bind(store)
    const topics = store.topics.bind(store)
    let failures = 0
    store.unsent = async (topic, max) => {
      if (++failures === 1) throw new Error('locked')
      return unsent(topic, max)
    }
    store.topics = async () => {
      if (++failures <= 1) throw new Error('locked')
      return topics()
    }
    await add(made('a', 1))
    const running = relay({ pollMs: 300 })
    await clock.advance(0)
    assert.equal((await running.status()).lastError?.message, 'Error: locked')
    await clock.advance(1_000)
    assert.equal(broker.stored().length, 1)
    assert.equal((await running.status()).lastError, undefined)
    await running.stop()
  })

  test('stop waits for the batch in progress and marks it, and takes no further one', async () => {
    const { clock, add, relay, broker, store } = stage()
    const gate = Promise.withResolvers<void>()
    broker.before = () => gate.promise
    await add(made('a', 1), made('a', 2), made('a', 3))
    const running = relay({ batchSizeMax: 2 })
    await clock.advance(0)
    let stopped = false
    const stopping = running.stop().then(() => (stopped = true))
    await clock.advance(0)
    assert.equal(stopped, false)
    gate.resolve()
    await stopping
    assert.deepEqual(sequences(broker.stored()), { a: [1, 2] })
    assert.equal((await store.backlog()).messages, 1)
    await add(made('a', 4))
    await clock.advance(10_000)
    assert.equal(broker.stored().length, 2)
    assert.deepEqual(clock.pending, [])
  })

  test('stop does not wait for a broker that is down', async () => {
    const { clock, add, relay, broker, store } = stage()
    broker.before = () => {
      throw new Error('down')
    }
    await add(made('a', 1))
    const stop = new AbortController()
    const running = relay({ signal: stop.signal })
    await clock.advance(50)
    stop.abort()
    await running.stop()
    assert.equal((await running.status()).state, 'stopped')
    assert.equal((await store.backlog()).messages, 1)
    assert.deepEqual(clock.pending, [])
  })

  test('a stop in the middle of a look for topics does not wait for the next poll', async () => {
    const { clock, relay, store } = stage()
    const looking = Promise.withResolvers<readonly string[]>()
    store.topics = () => looking.promise
    const running = relay({ pollMs: 60_000 })
    await clock.advance(0)
    void running.stop()
    looking.resolve([])
    await clock.advance(0)
    assert.deepEqual(clock.pending, [])
  })

  test('does its work outside the context of whoever committed', async () => {
    const { clock, add, relay, broker } = stage()
    const contexts: unknown[] = []
    broker.before = () => void contexts.push(currentContext())
    const running = relay()
    await clock.advance(0)
    await withContext(rootContext({ correlationId: 'a request' }), () => add(made('a', 1)))
    await clock.advance(0)
    assert.deepEqual(contexts, [undefined])
    await running.stop()
  })

  test('refuses limits that make no sense', () => {
    const { relay } = stage()
    assert.throws(() => relay({ batchSizeMax: 0 }), ConfigurationError)
    assert.throws(() => relay({ pollMs: Number.NaN }), ConfigurationError)
  })

  test('each event of a batch has an operation of its own, from when it was added, and carries its trace headers', async (t) => {
    const { clock, add, relay, broker } = stage()
    const channel = tracingChannel<unknown, Operation>('seaworthy:outbox.publish')
    const running = new AsyncLocalStorage<Operation>()
    const started: Operation[] = []
    const ended: Operation[] = []
    const subscriber = { asyncEnd: (operation: Operation) => void ended.push(operation) }
    channel.start.bindStore(running, (operation) => {
      started.push(operation)
      return operation
    })
    channel.subscribe(subscriber as never)
    const disown = setTraceContextOwner(() => {
      const operation = running.getStore()
      return operation && { traceparent: `span of ${String(operation.attributes['messaging.message.id'])}` }
    })
    t.after(() => {
      disown()
      channel.unsubscribe(subscriber as never)
      channel.start.unbindStore(running)
    })
    const gate = Promise.withResolvers<void>()
    broker.before = () => gate.promise
    const addedAtMs = clock.now()
    const events = [
      { ...made('a', 1), id: 'one', traceparent: 'parent of one', correlationId: 'c1' },
      { ...made('b', 1), id: 'two', traceparent: 'parent of two', correlationId: 'c2' },
    ]
    await add(...events)
    await clock.advance(700)
    const relaying = relay()
    await clock.advance(0)
    assert.deepEqual([started.length, ended.length], [2, 0])
    gate.resolve()
    await clock.advance(0)
    assert.equal(ended.length, 2)
    assert.deepEqual(
      started.map(({ name, kind, parent, startedAtMs }) => ({ name, kind, parent: parent?.traceparent, startedAtMs })),
      [
        { name: 'things publish', kind: 'producer', parent: 'parent of one', startedAtMs: addedAtMs },
        { name: 'things publish', kind: 'producer', parent: 'parent of two', startedAtMs: addedAtMs },
      ],
    )
    assert.equal(started[1]!.attributes['seaworthy.correlation_id'], 'c2')
    assert.equal(started[1]!.attributes['seaworthy.outbox.wait_ms'], 700)
    assert.deepEqual(
      broker.stored().map(({ id, traceparent, correlationId }) => [id, traceparent, correlationId]),
      [
        ['one', 'span of one', 'c1'],
        ['two', 'span of two', 'c2'],
      ],
    )
    await relaying.stop()
  })

  test('without an owner of the trace context, headers are handed on untouched', async () => {
    const { clock, add, relay, broker } = stage()
    await add({ ...made('a', 1), traceparent: 'theirs', tracestate: 'a=b' }, made('b', 1))
    const running = relay()
    await clock.advance(0)
    assert.deepEqual(
      broker.stored().map(({ traceparent, tracestate }) => [traceparent, tracestate]),
      [
        ['theirs', 'a=b'],
        [undefined, undefined],
      ],
    )
    await running.stop()
  })

  test('whatever fails and whenever it is restarted, every committed event arrives, each key in order', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c'), fails: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(0, 50, 100, 1_000) }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('fault' as const),
          where: fc.constantFrom('before', 'after', 'mark'),
          times: fc.integer({ min: 1, max: 3 }),
        }),
      },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), async (steps, batchSizeMax) => {
        const { clock, database, add, relay, broker, store } = stage()
        const faults = { before: 0, after: 0, mark: 0 }
        const strike = (where: keyof typeof faults) => {
          if (faults[where] > 0) {
            faults[where]--
            throw new Error(where)
          }
        }
        broker.before = () => strike('before')
        broker.after = () => strike('after')
        const markSent = store.markSent.bind(store)
        store.markSent = async (positions) => {
          strike('mark')
          await markSent(positions)
        }
        let running = relay({ batchSizeMax })
        const committed: EventEnvelope[] = []
        const box = outbox({ store })
        for (const one of steps) {
          switch (one.kind) {
            case 'add': {
              const event = made(one.key, 1)
              if (one.fails) {
                const rolledBack = database.transaction(async (tx) => {
                  await box.add(tx, event)
                  throw new Error('rolled back')
                })
                await rolledBack.catch(() => undefined)
              } else {
                await add(event)
                committed.push(event)
              }
              break
            }
            case 'advance':
              await clock.advance(one.ms)
              break
            case 'restart':
              await running.stop()
              running = relay({ batchSizeMax })
              break
            case 'fault':
              faults[one.where] = one.times
              break
          }
        }
        await clock.advance(5_000)
        await running.stop()
        const firsts = broker.stored().filter(({ id }, index, all) => all.findIndex((other) => other.id === id) === index)
        assert.deepEqual(new Set(firsts.map(({ id }) => id)), new Set(committed.map(({ id }) => id)))
        for (const list of Object.values(sequences(firsts))) {
          assert.deepEqual(
            list,
            list.map((_, index) => index + 1),
          )
        }
        assert.equal((await store.backlog()).messages, 0)
        assert.deepEqual(clock.pending, [])
      }),
      { numRuns: 150 },
    )
  })
})
