import assert from 'node:assert/strict'
import { tracingChannel } from 'node:diagnostics_channel'
import { suite, test } from 'node:test'
import { type CallContext, type Operation, ConfigurationError, UnavailableError, currentContext, remainingMs } from 'seaworthy/core'
import type { LogReader } from 'seaworthy/messaging'
import { consumerStage, spying } from './consumer-stage.ts'
import { published, sequences } from './events.ts'

void suite('the consumer', () => {
  test('handles what is there and what comes, each key in order', async () => {
    const stage = consumerStage()
    await stage.log.append('things', [published('a', 1), published('b', 1)])
    const consumer = await stage.start()
    await stage.clock.advance(0)
    await stage.log.append('things', [published('a', 2)])
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['a-1', 'b-1', 'a-2'])
    await consumer.stop()
    await consumer.done
    assert.deepEqual(stage.clock.pending, [])
  })

  test('runs as many keys side by side as it may, and never two messages of one key', async () => {
    const stage = consumerStage({ partitions: 3 })
    const events = ['a', 'b', 'c', 'd'].flatMap((key) => [1, 2, 3].map((n) => published(key, n)))
    await stage.log.append('things', events)
    const running = new Map<string, number>()
    let most = 0
    stage.behave = async ({ key }) => {
      running.set(key, (running.get(key) ?? 0) + 1)
      most = Math.max(
        most,
        [...running.values()].reduce((sum, count) => sum + count, 0),
      )
      assert.equal(running.get(key), 1)
      await new Promise((resolve) => setImmediate(resolve))
      running.set(key, 0)
    }
    const consumer = await stage.start({ concurrencyMax: 3 })
    for (let turn = 0; stage.handled.length < 12 && turn < 100; turn++) await stage.clock.advance(0)
    assert.equal(most, 3)
    assert.deepEqual(sequences(stage.handled), { a: [1, 2, 3], b: [1, 2, 3], c: [1, 2, 3], d: [1, 2, 3] })
    await consumer.stop()
  })

  test('counts the attempt before the handler runs', async () => {
    const stage = consumerStage()
    let countedBefore: unknown
    const options = { deadLettersMax: 1, atMs: 0, countSuspect: true, handled: [] }
    stage.behave = async (event) => {
      countedBefore = await stage.store.begin({ consumer: 'history', topic: 'things', event }, options)
    }
    await stage.log.append('things', [published('a', 1)])
    const consumer = await stage.start()
    await stage.clock.advance(0)
    assert.deepEqual(countedBefore, { kind: 'run', attempt: 2 })
    await consumer.stop()
  })

  test('no attempts are left of what was handled, once its offset is committed', async () => {
    const stage = consumerStage()
    const events = [published('a', 1), published('b', 1)]
    await stage.log.append('things', events)
    const consumer = await stage.start()
    await stage.clock.advance(100)
    for (const event of events) {
      const message = { consumer: 'history', topic: 'things', event }
      const options = { deadLettersMax: 1, atMs: 0, countSuspect: false, handled: [] }
      assert.deepEqual(await stage.store.begin(message, options), { kind: 'run', attempt: 1 })
    }
    await consumer.stop()
  })

  test('a failing message is tried again after the back-off; its key waits, other keys of its partition do not', async () => {
    const stage = consumerStage()
    let failures = 0
    stage.behave = ({ id }) => {
      if (id === 'a-1' && ++failures <= 2) throw new Error('not now')
    }
    await stage.log.append('things', [published('a', 1), published('a', 2), published('b', 1)])
    const consumer = await stage.start()
    await stage.clock.advance(999)
    assert.deepEqual(stage.ids(), ['b-1'])
    assert.deepEqual(consumer.status().retrying, [{ topic: 'things', key: 'a', attempt: 1, reason: 'Error: not now' }])
    await stage.clock.advance(1_001)
    assert.deepEqual(stage.ids(), ['b-1', 'a-1', 'a-2'])
    assert.deepEqual(
      stage.attempts.filter(({ id }) => id === 'a-1').map(({ attempt }) => attempt),
      [1, 2, 3],
    )
    assert.deepEqual(consumer.status().retrying, [])
    await consumer.stop()
  })

  test('an error that says when to come again is heeded', async () => {
    const stage = consumerStage()
    stage.behave = (_, { attempt }) => {
      if (attempt === 1) throw new UnavailableError('closed for lunch', { retryAfterMs: 5_000 })
    }
    await stage.log.append('things', [published('a', 1)])
    const consumer = await stage.start()
    await stage.clock.advance(4_999)
    assert.equal(stage.attempts.length, 1)
    await stage.clock.advance(1)
    assert.deepEqual(stage.ids(), ['a-1'])
    await consumer.stop()
  })

  test('no slot is held while a message waits for its next attempt', async () => {
    const stage = consumerStage()
    stage.behave = ({ key }) => {
      if (key !== 'z') throw new Error('not now')
    }
    await stage.log.append('things', [...['a', 'b', 'c'].map((key) => published(key, 1)), published('z', 1)])
    const consumer = await stage.start({ concurrencyMax: 1 })
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['z-1'])
    await consumer.stop()
  })

  test('offsets are committed no more often than allowed, and never beyond a message that is not handled', async () => {
    const stage = consumerStage()
    let mended = false
    stage.behave = ({ id }) => {
      if (id === 'b-1' && !mended) throw new Error('not now')
    }
    const commits: number[] = []
    const consumer = await stage.start({
      log: spying(stage.log, (reader) => ({ commit: record(reader, commits, stage.clock) })),
      commitEveryMs: 100,
    })
    for (const [index, key] of ['a', 'b', 'c'].entries()) {
      await stage.log.append('things', [published(key, 1)])
      await stage.clock.advance(index === 2 ? 50 : 0)
    }
    assert.deepEqual(commits, [])
    await stage.clock.advance(50)
    assert.deepEqual(commits, [100])
    const lag = async () => (await stage.log.topics())[0]!.groups[0]!.lag
    assert.equal(await lag(), 2)
    mended = true
    await stage.clock.advance(1_000)
    assert.equal(await lag(), 0)
    assert.equal(consumer.status().uncommitted, 0)
    await consumer.stop()
    assert.ok(commits.every((at, index) => index === 0 || at - commits[index - 1]! >= 100))
  })

  test('reading stops when too much is read and not committed, and goes on afterwards', async () => {
    const stage = consumerStage()
    let mended = false
    stage.behave = ({ id }) => {
      if (id === 'a-1' && !mended) throw new Error('not now')
    }
    await stage.log.append(
      'things',
      Array.from({ length: 100 }, (_, index) => (index === 0 ? published('a', 1) : published('b', index))),
    )
    const consumer = await stage.start({ uncommittedMax: 30, batchSizeMax: 7 })
    await stage.clock.advance(500)
    assert.equal(consumer.status().uncommitted, 30)
    assert.equal(stage.handled.length, 29)
    mended = true
    await stage.clock.advance(3_000)
    assert.equal(stage.handled.length, 100)
    await consumer.stop()
  })

  test('a handler that hangs is given up after its time, and told so by its signal', async () => {
    const stage = consumerStage()
    const signals: AbortSignal[] = []
    stage.behave = (_, { signal, attempt }) => {
      signals.push(signal)
      return attempt === 1 ? new Promise(() => undefined) : undefined
    }
    await stage.log.append('things', [published('a', 1)])
    const consumer = await stage.start({ handlerTimeoutMs: 300 })
    await stage.clock.advance(299)
    assert.equal(signals[0]!.aborted, false)
    await stage.clock.advance(1)
    assert.equal(signals[0]!.aborted, true)
    assert.match(consumer.status().retrying[0]!.reason, /TimeoutError.*300 ms/)
    await stage.clock.advance(1_000)
    assert.deepEqual(stage.ids(), ['a-1'])
    await consumer.stop()
    assert.deepEqual(stage.clock.pending, [])
  })

  test('the handler runs in the event’s context, with a deadline of its own and none of the publisher’s', async () => {
    const stage = consumerStage()
    const contexts: (CallContext | undefined)[] = []
    const left: number[] = []
    stage.behave = () => {
      const context = currentContext()
      contexts.push(context)
      left.push(remainingMs(context!, stage.clock))
    }
    const event = published('a', 1, { correlationId: 'c-1', causationId: 'a command', traceparent: 'tp', baggage: 'k=v', actor: 'ann' })
    await stage.log.append('things', [event, published('b', 1, { correlationId: 'c-2' })])
    const consumer = await stage.start({ handlerTimeoutMs: 700 })
    await stage.clock.advance(0)
    const [{ signal, deadlineMs, ...first }, second] = contexts as [CallContext, CallContext]
    assert.deepEqual(first, { correlationId: 'c-1', causationId: 'a-1', traceparent: 'tp', baggage: 'k=v', actor: 'ann' })
    assert.deepEqual([second.correlationId, second.causationId, second.actor], ['c-2', 'b-1', undefined])
    assert.ok(signal !== undefined && deadlineMs !== undefined)
    assert.deepEqual(left, [700, 700])
    await consumer.stop()
  })

  test('each attempt is an operation under the event’s producer, and says how long the event lay in the log', async (t) => {
    const stage = consumerStage()
    const started: Operation[] = []
    const failed: Operation[] = []
    const subscriber = {
      start: (operation: Operation) => void started.push(operation),
      error: (operation: Operation) => void failed.push(operation),
    }
    const channel = tracingChannel<unknown, Operation>('seaworthy:consumer.handle')
    channel.subscribe(subscriber as never)
    t.after(() => channel.unsubscribe(subscriber as never))
    stage.behave = (_, { attempt }) => {
      if (attempt === 1) throw new Error('not now')
    }
    await stage.log.append('things', [published('a', 1, { traceparent: 'producer', tracestate: 's', correlationId: 'c-1' })])
    await stage.clock.advance(250)
    const consumer = await stage.start()
    await stage.clock.advance(1_000)
    await consumer.stop()
    assert.deepEqual([started.length, failed.length], [2, 1])
    const { name, kind, parent, attributes } = started[0]!
    assert.deepEqual(
      { name, kind, parent },
      { name: 'things process', kind: 'consumer', parent: { traceparent: 'producer', tracestate: 's' } },
    )
    assert.equal(attributes['seaworthy.correlation_id'], 'c-1')
    assert.equal(attributes['messaging.destination.name'], 'things')
    assert.equal(attributes['messaging.message.id'], 'a-1')
    assert.equal(attributes['seaworthy.log.wait_ms'], 250)
    // The second attempt was kept waiting by the first, and by nobody's want of a consumer.
    assert.deepEqual(
      started.map((operation) => operation.attributes['seaworthy.time.queue_wait_ms']),
      [250, undefined],
    )
    assert.deepEqual(
      started.map((operation) => operation.attributes['seaworthy.consumer.attempt']),
      [1, 2],
    )
  })

  test('a log and a store that fail are tried again, at no cost to the message', async () => {
    const stage = consumerStage()
    let polls = 0
    let begins = 0
    const log = spying(stage.log, (reader) => ({
      poll: async (options) => {
        if (++polls <= 2) throw new Error('log is away')
        return reader.poll(options)
      },
    }))
    const begin = stage.store.begin.bind(stage.store)
    stage.store.begin = async (message, options) => {
      if (++begins <= 3) throw new Error('store is away')
      return begin(message, options)
    }
    await stage.log.append('things', [published('a', 1)])
    const consumer = await stage.start({ log, attemptsMax: 1 })
    await stage.clock.advance(0)
    assert.match(consumer.status().lastError!.message, /log is away/)
    await stage.clock.advance(3_000)
    assert.match(consumer.status().lastError!.message, /store is away/)
    await stage.clock.advance(2_000)
    assert.deepEqual(stage.attempts, [{ id: 'a-1', attempt: 1 }])
    assert.deepEqual(stage.ids(), ['a-1'])
    await consumer.stop()
  })

  test('refuses limits that make no sense', async () => {
    const stage = consumerStage()
    for (const name of ['attemptsMax', 'concurrencyMax', 'batchSizeMax', 'uncommittedMax', 'handlerTimeoutMs', 'generation']) {
      await assert.rejects(stage.start({ [name]: 0 }), ConfigurationError)
    }
  })
})

void suite('the consumer stops', () => {
  test('after the message in progress, commits it, begins no other, and leaves the group', async () => {
    const stage = consumerStage()
    const gate = Promise.withResolvers<void>()
    stage.behave = () => gate.promise
    await stage.log.append('things', [published('a', 1), published('a', 2), published('b', 1)])
    const consumer = await stage.start()
    await stage.clock.advance(0)
    let stopped = false
    const stopping = consumer.stop().then(() => (stopped = true))
    await stage.clock.advance(0)
    assert.equal(stopped, false)
    assert.equal(consumer.status().state, 'stopping')
    gate.resolve()
    await stopping
    await consumer.done
    assert.deepEqual(stage.ids(), ['a-1'])
    assert.equal((await stage.log.topics())[0]!.groups[0]!.lag, 2)
    assert.deepEqual(stage.clock.pending, [])
    const next = await stage.start()
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['a-1', 'a-2', 'b-1'])
    assert.deepEqual(
      stage.attempts.map(({ attempt }) => attempt),
      [1, 1, 1],
    )
    await next.stop()
  })

  test('at once when a message waits for its next attempt, whose count goes on after the restart', async () => {
    const stage = consumerStage()
    let mended = false
    stage.behave = () => {
      if (!mended) throw new Error('not now')
    }
    await stage.log.append('things', [published('a', 1)])
    const stop = new AbortController()
    const consumer = await stage.start({ signal: stop.signal })
    await stage.clock.advance(1_000)
    stop.abort()
    await consumer.done
    assert.deepEqual(stage.clock.pending, [])
    mended = true
    const next = await stage.start()
    await stage.clock.advance(0)
    assert.deepEqual(
      stage.attempts.map(({ attempt }) => attempt),
      [1, 2, 3],
    )
    await next.stop()
  })

  test('even when neither its log nor its store answers any more', async () => {
    const stage = consumerStage()
    stage.store.forgetAttempts = () => Promise.reject(new Error('gone'))
    const log = spying(stage.log, () => ({ commit: () => Promise.reject(new Error('gone')) }))
    await stage.log.append('things', [published('a', 1)])
    const consumer = await stage.start({ log })
    await stage.clock.advance(0)
    await consumer.stop()
    assert.match(consumer.status().lastError!.message, /gone/)
    assert.deepEqual(stage.clock.pending, [])
  })

  test('when it is told to before it began', async () => {
    const stage = consumerStage()
    await stage.log.append('things', [published('a', 1)])
    const consumer = await stage.start({ signal: AbortSignal.abort() })
    await consumer.done
    assert.deepEqual(stage.ids(), [])
  })
})

function record(reader: LogReader, commits: number[], clock: { monotonicMs(): number }): LogReader['commit'] {
  return async (positions) => {
    commits.push(clock.monotonicMs())
    await reader.commit(positions)
  }
}
