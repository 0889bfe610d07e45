import assert from 'node:assert/strict'
import { tracingChannel } from 'node:diagnostics_channel'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { type CallContext, type Operation, ConfigurationError, UnavailableError, currentContext, remainingMs } from 'seaworthy/core'
import { type LogReader, replay } from 'seaworthy/messaging'
import { consumerStage } from './consumer-stage.ts'
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

void suite('crashes', () => {
  test('between the handler’s commit and the offset’s: the message comes again, and behind the inbox has one effect', async () => {
    const stage = consumerStage()
    let refused = 0
    const log = spying(stage.log, () => ({
      commit: async () => {
        refused++
        throw new Error('the process died before this')
      },
    }))
    await stage.log.append('things', [published('a', 1), published('a', 2)])
    await stage.start({ log, handler: stage.idempotent })
    await stage.clock.advance(100)
    assert.equal(refused, 1)
    stage.crash()
    const next = await stage.start({ handler: stage.idempotent })
    await stage.log.append('things', [published('a', 3)])
    await stage.clock.advance(200)
    assert.deepEqual(stage.ids(), ['a-1', 'a-2', 'a-3'])
    await next.stop()
  })

  test('the same without an inbox has two effects: that is what the inbox is for', async () => {
    const stage = consumerStage()
    const log = spying(stage.log, () => ({ commit: () => Promise.reject(new Error('the process died before this')) }))
    await stage.log.append('things', [published('a', 1)])
    await stage.start({ log })
    await stage.clock.advance(100)
    stage.crash()
    const next = await stage.start()
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['a-1', 'a-1'])
    await next.stop()
  })

  test('a message that kills the process each time is set aside after its attempts, and the others go on', async () => {
    const stage = consumerStage()
    stage.behave = ({ id }) => (id === 'a-1' ? new Promise(() => undefined) : undefined)
    await stage.log.append('things', [published('a', 1), published('a', 2), published('b', 1)])
    for (let crash = 1; crash <= 3; crash++) {
      await stage.start({ attemptsMax: 3 })
      await stage.clock.advance(0)
      assert.equal(stage.attempts.filter(({ id }) => id === 'a-1').length, crash)
      stage.crash()
    }
    const next = await stage.start({ attemptsMax: 3 })
    await stage.clock.advance(0)
    assert.equal(stage.attempts.filter(({ id }) => id === 'a-1').length, 3)
    assert.deepEqual(new Set(stage.ids()), new Set(['b-1']))
    const letters = await stage.store.deadLetters('history', { max: 10 })
    assert.deepEqual(
      letters.map(({ event: { id }, kind, attempts }) => [id, kind, attempts]),
      [
        ['a-1', 'parked', 3],
        ['a-2', 'held', 0],
      ],
    )
    assert.match(letters[0]!.reason, /The process ended/)
    await next.stop()
  })

  test('only the message that kills the process is set aside, not those handled before it nor those in progress beside it', async () => {
    const stage = consumerStage()
    await stage.log.append(
      'things',
      ['x', 'y', 'killer', 'z', 'x'].map((key, index) => published(key, index === 4 ? 2 : 1)),
    )
    let done = false
    for (let crashes = 0; !done && crashes < 20; crashes++) {
      const consumer = await stage.start({ attemptsMax: 3, concurrencyMax: 4, handler: stage.idempotent })
      const killer = { dead: false }
      stage.behave = ({ key }) => {
        if (key !== 'killer') return new Promise((resolve) => setImmediate(resolve))
        killer.dead = true
        stage.crash()
        throw new Error('nobody hears this')
      }
      for (let turn = 0; turn < 20 && !killer.dead; turn++) await stage.clock.advance(0)
      if (killer.dead) continue
      done = true
      await stage.clock.advance(100)
      await consumer.stop()
    }
    assert.ok(done)
    const letters = await stage.store.deadLetters('history', { max: 10 })
    assert.deepEqual(
      letters.map(({ event: { key }, attempts }) => [key, attempts]),
      [['killer', 3]],
    )
    assert.deepEqual([...stage.ids()].toSorted(), ['x-1', 'x-2', 'y-1', 'z-1'])
  })

  test('whatever fails, in any interleaving and over restarts, every effect happens once and each key keeps its order', async () => {
    const record = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      failures: fc.integer({ min: 0, max: 2 }),
      pauses: fc.integer({ min: 0, max: 3 }),
    })
    const limits = fc.record({
      partitions: fc.integer({ min: 1, max: 3 }),
      concurrencyMax: fc.integer({ min: 1, max: 4 }),
      batchSizeMax: fc.integer({ min: 1, max: 5 }),
    })
    const ends = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 2_500 }), how: fc.constantFrom('stop', 'crash') }), {
      maxLength: 4,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 30 }),
        limits,
        ends,
        async (records, { partitions, ...options }, restarts) => {
          const stage = consumerStage({ partitions })
          const plan = new Map<string, { failures: number; pauses: number }>()
          const last = new Map<string, number>()
          for (const { key, failures, pauses } of records) {
            const n = (last.get(key) ?? 0) + 1
            last.set(key, n)
            plan.set(`${key}-${n}`, { failures, pauses })
            await stage.log.append('things', [published(key, n)])
            // The broker hands it out twice.
            if (pauses === 3) await stage.log.append('things', [published(key, n)])
          }
          stage.behave = async ({ id }) => {
            const { failures, pauses } = plan.get(id)!
            for (let pause = 0; pause < pauses; pause++) await Promise.resolve()
            if (failures > 0) {
              plan.set(id, { failures: failures - 1, pauses })
              throw new Error('not now')
            }
          }
          let consumer = await stage.start({ ...options, handler: stage.idempotent })
          for (const { afterMs, how } of restarts) {
            await stage.clock.advance(afterMs)
            if (how === 'stop') await consumer.stop()
            else stage.crash()
            consumer = await stage.start({ ...options, handler: stage.idempotent })
          }
          const lag = async () => (await stage.log.topics())[0]!.groups[0]!.lag
          for (let turn = 0; turn < 100 && (await lag()) > 0; turn++) await stage.clock.advance(1_000)
          assert.deepEqual(new Set(stage.ids()), new Set(plan.keys()))
          assert.equal(stage.handled.length, plan.size)
          for (const list of Object.values(sequences(stage.handled))) {
            assert.deepEqual(
              list,
              list.map((_, index) => index + 1),
            )
          }
          await consumer.stop()
          assert.equal(await lag(), 0)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('a replay under a higher generation handles all again, with the old dead letters in their place', async () => {
    const stage = consumerStage()
    stage.behave = ({ id }) => {
      if (id === 'a-2') throw new Error('no good')
    }
    await stage.log.append('things', [published('a', 1), published('a', 2), published('a', 3)])
    const first = await stage.start({ attemptsMax: 1 })
    await stage.clock.advance(0)
    await first.stop()
    assert.deepEqual(stage.ids(), ['a-1'])
    await replay({ log: stage.log, group: 'history', topics: ['things'], to: { kind: 'earliest' } })
    stage.behave = () => undefined
    const second = await stage.start({ generation: 2 })
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['a-1', 'a-1', 'a-2', 'a-3'])
    assert.equal((await stage.store.deadLetters('history', { max: 10 })).length, 2)
    assert.equal((await stage.store.deadLetters('history#2', { max: 10 })).length, 0)
    await second.stop()
  })
})

/** The log, with some methods of its readers replaced. */
function spying(log: ReturnType<typeof consumerStage>['log'], replace: (reader: LogReader) => Partial<LogReader>) {
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

function record(reader: LogReader, commits: number[], clock: { monotonicMs(): number }): LogReader['commit'] {
  return async (positions) => {
    commits.push(clock.monotonicMs())
    await reader.commit(positions)
  }
}
