import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import {
  ConfigurationError,
  NotFoundError,
  type Operation,
  RejectedError,
  UnavailableError,
  UnknownOutcomeError,
  constant,
  currentContext,
  rootContext,
  watchOperations,
  withContext,
} from 'seaworthy/core'
import {
  type JournalEntry,
  type OrchestratorOptions,
  type Saga,
  type SagaRecord,
  type StepContext,
  StrandedSagaError,
  orchestrator,
  saga,
} from 'seaworthy/saga'
import {
  migrate,
  openSqliteDatabase,
  participantStoreSchema,
  sagaStoreSchema,
  sqliteParticipantStore,
  sqliteSagaStore,
} from 'seaworthy/sqlite'
import { VirtualClock, eventually, inMemoryDatabase, inMemorySagaStore } from '@seaworthy/testing'
import { participant } from 'seaworthy/saga'
import { testFolder } from '../sqlite/folder.ts'

type AnySaga = Saga<never>

function world(sagas: readonly AnySaga[], options: Partial<OrchestratorOptions> = {}) {
  const clock = new VirtualClock()
  const database = inMemoryDatabase({ clock })
  const store = inMemorySagaStore()
  const settings = { database, store, clock, sagas, resumeSpreadMs: 0, ...options }
  const running = orchestrator(settings)
  const start = <Input>(of: Saga<Input>, id: string, input: NoInfer<Input>, context = rootContext()) =>
    database.transaction((tx) => running.start(tx, of, { id, input, context }))
  /** Lets time pass until the saga is over. */
  const settle = async (id: string, by = running): Promise<SagaRecord> => {
    const settled = by.settled(id, { timeoutMs: 1e12 })
    let record: SagaRecord | undefined
    void settled.then((value) => (record = value))
    for (let moment = 0; moment < 10_000; moment++) {
      await clock.advance(0)
      if (record !== undefined) return record
      // The wait for the saga is a timer too, the very last one.
      if (clock.pending.length > 1) await clock.advanceToNext()
    }
    throw new Error(`Saga ${id} did not come to an end.`)
  }
  const journal = async (id: string) => ((await store.load(id))?.journal ?? []).map(line)
  return { clock, database, store, running, start, settle, journal, settings }
}

function line(entry: JournalEntry): string {
  switch (entry.kind) {
    case 'started':
    case 'compensation-started':
      return `${entry.step} ${entry.kind} ${entry.attempt}`
    case 'done':
      return `${entry.step} done ${JSON.stringify(entry.result)}`
    case 'failed':
      return `${entry.step} failed ${entry.executed}`
    case 'compensated':
    case 'compensation-failed':
      return `${entry.step} ${entry.kind}`
  }
}

const nothing = async () => undefined

void suite('a saga', () => {
  test('runs its steps in order after its start has committed, and journals each before and after', async () => {
    const calls: string[] = []
    const chain = saga<{ n: number }>('s', { version: 1 })
      .step('a', { run: async (s) => calls.push(`a ${s.input.n}`), compensate: nothing })
      .pivot('b', { run: async (s) => ({ sum: s.results.a + s.input.n }) })
      .step('c', { run: async (s) => void calls.push(`c ${s.results.b.sum}`), forward: true })
    const { database, running, clock, settle, journal } = world([chain])
    const started = await database.transaction(async (tx) => {
      const isNew = await running.start(tx, chain, { id: '1', input: { n: 7 } })
      await clock.advance(0)
      assert.deepEqual(calls, [])
      return isNew
    })
    assert.equal(started, true)
    assert.equal((await settle('1')).status, 'completed')
    assert.deepEqual(calls, ['a 7', 'c 8'])
    assert.deepEqual(await journal('1'), ['a started 1', 'a done 1', 'b started 1', 'b done {"sum":8}', 'c started 1', 'c done undefined'])
    assert.deepEqual([running.active, clock.pending], [0, []])
  })

  test('whose start is rolled back never runs', async () => {
    let calls = 0
    const chain = saga<null>('s', { version: 1 }).step('a', { run: async () => void calls++, compensation: 'not-needed' })
    const { database, running, clock } = world([chain])
    const failing = database.transaction(async (tx) => {
      await running.start(tx, chain, { id: '1', input: null })
      throw new Error('no')
    })
    await assert.rejects(failing, /no/)
    await clock.advance(1_000)
    assert.deepEqual([calls, running.active], [0, 0])
    await assert.rejects(running.settled('1', { timeoutMs: 1 }), NotFoundError)
  })

  test('is started once per id', async () => {
    let calls = 0
    const chain = saga<null>('s', { version: 1 }).step('a', { run: async () => void calls++, compensation: 'not-needed' })
    const { start, settle } = world([chain])
    assert.deepEqual(await Promise.all([start(chain, '1', null), start(chain, '1', null)]), [true, false])
    await settle('1')
    assert.equal(await start(chain, '1', null), false)
    await settle('1')
    assert.equal(calls, 1)
  })

  test('that was not given to the orchestrator is not started', async () => {
    const chain = saga<null>('s', { version: 1 })
    const { start } = world([saga<null>('s', { version: 2 })])
    await assert.rejects(start(chain, '1', null), ConfigurationError)
    assert.throws(() => world([chain, saga('s', { version: 1 })]), ConfigurationError)
  })

  test('hands each step a call context of its own: the key, the conversation, a deadline, and none of the starter', async () => {
    const seen: StepContext<null, object>[] = []
    const run = async (s: StepContext<null, object>) => {
      assert.equal(currentContext(), s)
      seen.push(s)
      if (s.attempt === 1) throw new UnavailableError('Nobody is there.')
    }
    const chain = saga<null>('s', { version: 1 }).step('a b', {
      run,
      compensation: 'not-needed',
      policy: { attemptTimeoutMs: 700, backoff: constant(50) },
    })
    const { start, settle } = world([chain])
    const starter = rootContext({
      correlationId: 'conversation',
      traceparent: '00-1-2-01',
      actor: 'ada',
      deadlineMs: 1,
      signal: AbortSignal.abort(),
      idempotencyKey: 'of the request',
    })
    await withContext(starter, () => start(chain, '1', null, starter))
    await settle('1')
    assert.deepEqual(
      seen.map((s) => [s.key, s.idempotencyKey, s.sagaId, s.attempt, s.correlationId, s.traceparent, s.actor, s.deadlineMs]),
      [1, 2].map((attempt) => ['1/a%20b', '1/a%20b', '1', attempt, 'conversation', '00-1-2-01', 'ada', attempt === 1 ? 700 : 750]),
    )
    assert.ok(seen.every(({ signal }) => signal !== undefined && !signal.aborted))
  })

  test('undoes in reverse order what was done when a step is refused, with its key and result, and says why', async () => {
    const undone: unknown[] = []
    const chain = saga<null>('s', { version: 1 })
      .step('a', { run: async () => ({ id: 7 }), compensate: async (s) => undone.push([s.key, s.result?.id]) })
      .step('look', { run: async () => 1, compensation: 'not-needed' })
      .step('b', { run: async () => 'x', compensate: async (s) => undone.push([s.key, s.result]) })
      .pivot('c', { run: () => Promise.reject(new RejectedError('out-of-stock', 'Gone.')) })
    const statuses: string[] = []
    const { start, settle, journal } = world([chain], {
      onStatus: async (_, record) => void statuses.push(`${record.status} ${record.reason}`),
    })
    await start(chain, '1', null)
    const { status, reason } = await settle('1')
    assert.deepEqual([status, reason], ['compensated', 'out-of-stock'])
    assert.deepEqual(undone, [
      ['1/b', 'x'],
      ['1/a', 7],
    ])
    assert.deepEqual(statuses, ['compensating out-of-stock', 'compensated out-of-stock'])
    assert.deepEqual((await journal('1')).slice(6), [
      'c started 1',
      'c failed no',
      'b compensation-started 1',
      'b compensated',
      'a compensation-started 1',
      'a compensated',
    ])
  })

  test('asks again under the same key until an unknown outcome is known', async () => {
    const keys: string[] = []
    const chain = saga<null>('s', { version: 1 }).step('a', {
      run: async (s) => {
        keys.push(s.key)
        if (s.attempt < 4) throw new UnknownOutcomeError('No answer.')
        return 'known'
      },
      compensate: nothing,
    })
    const { start, settle } = world([chain])
    await start(chain, '1', null)
    assert.equal((await settle('1')).status, 'completed')
    assert.deepEqual(keys, ['1/a', '1/a', '1/a', '1/a'])
  })

  test('gives a step that hangs a deadline, takes its outcome as unknown, and undoes it when that does not change', async () => {
    const signals: (AbortSignal | undefined)[] = []
    const undone: unknown[] = []
    const chain = saga<null>('s', { version: 1 }).step('a', {
      run: (s) => {
        signals.push(s.signal)
        return new Promise<string>(() => undefined)
      },
      compensate: async (s) => undone.push(s.result),
      policy: { attemptTimeoutMs: 1_000, giveUpAfterMs: 2_500, backoff: constant(100) },
    })
    const { start, settle, clock } = world([chain])
    await start(chain, '1', null)
    const began = clock.monotonicMs()
    const { status, reason } = await settle('1')
    assert.deepEqual([status, reason, undone], ['compensated', 'timeout', [undefined]])
    // 0 to 1,000, 1,100 to 2,100, 2,200 to 3,200: then the time was up.
    assert.equal(clock.monotonicMs() - began, 3_200)
    assert.deepEqual(
      signals.map((signal) => signal?.aborted),
      [true, true, true],
    )
  })

  test('is parked with its evidence when a compensation is refused, and keeps the reason that it turned back for', async () => {
    const undone: string[] = []
    const chain = saga<null>('s', { version: 1 })
      .step('a', { run: nothing, compensate: async () => undone.push('a') })
      .step('b', { run: nothing, compensate: () => Promise.reject(new RejectedError('already-shipped', 'Too late.')) })
      .step('c', { run: () => Promise.reject(new RejectedError('card-declined', 'No.')), compensate: nothing })
    const { start, settle, store, running } = world([chain])
    await start(chain, '1', null)
    const { status, reason } = await settle('1')
    assert.deepEqual([status, reason, undone], ['parked', 'card-declined', []])
    const last = (await store.load('1'))!.journal.at(-1)
    assert.deepEqual(last?.kind === 'compensation-failed' && [last.step, last.error], ['b', 'already-shipped: Too late.'])
    assert.equal(await running.resume(), 0)
  })

  test('goes on after the pivot for as long as it takes', async () => {
    let calls = 0
    const chain = saga<null>('s', { version: 1 })
      .pivot('a', { run: nothing })
      .step('b', {
        run: async () => {
          if (++calls < 5_000) throw new UnavailableError('Nobody is there.')
        },
        forward: true,
      })
    const { start, settle, journal } = world([chain])
    await start(chain, '1', null)
    assert.equal((await settle('1')).status, 'completed')
    assert.equal(calls, 5_000)
    assert.ok((await journal('1')).length < 70, 'the journal grows without end')
  })

  test('is parked when a step after the pivot is refused', async () => {
    const chain = saga<null>('s', { version: 1 })
      .step('a', { run: nothing, compensate: () => assert.fail('It turned back after the pivot.') })
      .pivot('b', { run: nothing })
      .step('c', { run: () => Promise.reject(new RejectedError('closed', 'No.')), forward: true })
    const { start, settle } = world([chain])
    await start(chain, '1', null)
    const { status, reason } = await settle('1')
    assert.deepEqual([status, reason], ['parked', 'closed'])
  })

  test('sees its results as they come from the journal, and is undone when a result has no place in it', async () => {
    const undone: unknown[] = []
    let calls = 0
    const chain = saga<null>('s', { version: 1 })
      .step('a', { run: async () => ({ at: new Date(0) }), compensate: async (s) => undone.push(s.result) })
      .step('b', {
        run: async (s) => {
          calls++
          assert.deepEqual(s.results.a, { at: '1970-01-01T00:00:00.000Z' })
          return 1n
        },
        compensate: async (s) => undone.push(s.result),
      })
    const { start, settle } = world([chain])
    await start(chain, '1', null)
    assert.deepEqual([(await settle('1')).reason, calls], ['saga-step-result', 1])
    assert.deepEqual(undone, [undefined, { at: '1970-01-01T00:00:00.000Z' }])
  })
})

void suite('the status hook', () => {
  const chain = saga<null>('s', { version: 1 }).step('a', { run: nothing, compensation: 'not-needed' })

  test('commits with the status, and a failure of it only delays the saga', async () => {
    const errors: unknown[] = []
    let calls = 0
    const { start, settle, store, journal } = world([chain], {
      onStatus: async () => {
        assert.equal((await store.load('1'))?.record.status, 'running')
        if (++calls < 3) throw new Error('the order row is gone')
      },
      onError: (error, id) => errors.push([String(error), id]),
    })
    await start(chain, '1', null)
    assert.equal((await settle('1')).status, 'completed')
    assert.deepEqual([calls, errors], [3, Array.from({ length: 2 }, () => ['Error: the order row is gone', '1'])])
    assert.deepEqual(await journal('1'), ['a started 1', 'a done undefined'])
  })

  test('runs in the context of the saga', async () => {
    const seen: unknown[] = []
    const { start, settle } = world([chain], { onStatus: async () => void seen.push(currentContext()?.correlationId) })
    await start(chain, '1', null, rootContext({ correlationId: 'conversation' }))
    await settle('1')
    assert.deepEqual(seen, ['conversation'])
  })
})

void suite('waiting for a saga', () => {
  const hanging = saga<null>('s', { version: 1 }).pivot('a', { run: () => new Promise<void>(() => undefined) })

  test('ends without a record when it takes too long, and leaves nothing behind', async () => {
    const { start, running, clock } = world([hanging])
    await start(hanging, '1', null)
    await clock.advance(0)
    const before = clock.pending.length
    const waiting = running.settled('1', { timeoutMs: 500 })
    await clock.advance(500)
    assert.equal(await waiting, undefined)
    assert.equal(clock.pending.length, before)
  })

  test('ends when its caller gives up', async () => {
    const { start, running, clock } = world([hanging])
    await start(hanging, '1', null)
    const controller = new AbortController()
    const waiting = assert.rejects(running.settled('1', { timeoutMs: 500, signal: controller.signal }), /gave up/)
    await clock.advance(0)
    controller.abort(new Error('gave up'))
    await waiting
  })

  test('ends when the orchestrator stops', async () => {
    const { start, running, clock } = world([hanging])
    await start(hanging, '1', null)
    const waiting = running.settled('1', { timeoutMs: 1e9 })
    await clock.advance(0)
    const stopped = running.stop()
    await clock.advance(3_000)
    await stopped
    assert.equal(await waiting, undefined)
    assert.deepEqual(clock.pending, [])
  })

  test('for its decision ends when it turns back, with the reason; for its end, when all is undone', async () => {
    const undone = Promise.withResolvers<void>()
    const chain = saga<null>('s', { version: 1 })
      .step('a', { run: nothing, compensate: () => undone.promise })
      .pivot('b', { run: () => Promise.reject(new RejectedError('out-of-stock', 'Gone.')) })
    const { start, running, clock } = world([chain])
    await start(chain, '1', null)
    let isOver = false
    const ended = running.settled('1', { timeoutMs: 5_000 }).finally(() => (isOver = true))
    const decision = await running.decided('1', { timeoutMs: 5_000 })
    assert.deepEqual([decision?.status, decision?.reason], ['compensating', 'out-of-stock'])
    assert.deepEqual(await running.decided('1', { timeoutMs: 0 }), decision)
    await clock.advance(1_000)
    assert.equal(isOver, false)
    undone.resolve()
    assert.equal((await ended)?.status, 'compensated')
    assert.equal((await running.decided('1', { timeoutMs: 0 }))?.status, 'compensated')
    assert.deepEqual(clock.pending, [])
  })

  test('answers at once when it is over already', async () => {
    const chain = saga<null>('s', { version: 1 })
    const { start, settle, running, clock } = world([chain])
    await start(chain, '1', null)
    await settle('1')
    assert.equal((await running.settled('1', { timeoutMs: 0 }))?.status, 'completed')
    assert.deepEqual(clock.pending, [])
  })
})

void suite('stopping', () => {
  test('waits for the step in progress, journals it, and begins no other', async () => {
    const release = Promise.withResolvers<void>()
    let second = 0
    const chain = saga<null>('s', { version: 1 })
      .step('a', { run: () => release.promise, compensate: nothing })
      .step('b', { run: async () => void second++, compensate: nothing })
    const { start, running, clock, journal, settings, settle } = world([chain])
    await start(chain, '1', null)
    await clock.advance(0)
    const stopped = running.stop()
    release.resolve()
    await stopped
    assert.deepEqual(await journal('1'), ['a started 1', 'a done undefined'])
    assert.deepEqual([second, running.active, clock.pending], [0, 0, []])

    const next = orchestrator(settings)
    assert.equal(await next.resume(), 1)
    assert.equal((await settle('1', next)).status, 'completed')
    assert.equal(second, 1)
  })

  test('leaves a step that does not end to the journal, and calls it off', async () => {
    const signals: (AbortSignal | undefined)[] = []
    let first = true
    const chain = saga<null>('s', { version: 1 }).step('a', {
      run: (s) => {
        signals.push(s.signal)
        return first ? new Promise<void>(() => undefined) : Promise.resolve()
      },
      compensate: nothing,
    })
    const { start, running, clock, journal, settings, settle } = world([chain], { stopTimeoutMs: 200 })
    await start(chain, '1', null)
    await clock.advance(0)
    const stopped = running.stop()
    await clock.advance(200)
    await stopped
    assert.deepEqual([await journal('1'), signals[0]?.aborted], [['a started 1'], true])
    first = false
    const next = orchestrator(settings)
    await next.resume()
    assert.equal((await settle('1', next)).status, 'completed')
    assert.deepEqual(await journal('1'), ['a started 1', 'a started 2', 'a done undefined'])
  })

  test('does not wait for a saga that backs off', async () => {
    const chain = saga<null>('s', { version: 1 }).pivot('a', { run: () => Promise.reject(new UnavailableError('Nobody is there.')) })
    const { start, running, clock } = world([chain])
    await start(chain, '1', null)
    await clock.advance(0)
    await running.stop()
    assert.deepEqual([running.active, clock.pending], [0, []])
  })

  test('leaves a saga that is started afterwards for the next process', async () => {
    let calls = 0
    const chain = saga<null>('s', { version: 1 }).step('a', { run: async () => void calls++, compensation: 'not-needed' })
    const { start, running, clock, store } = world([chain])
    await running.stop()
    assert.equal(await start(chain, '1', null), true)
    await clock.advance(10_000)
    assert.deepEqual([calls, await store.unfinished(9)], [0, ['1']])
  })
})

void suite('many sagas', () => {
  test('have no more steps in progress than allowed, and one that backs off holds up no other', async () => {
    let inProgress = 0
    let most = 0
    const chain = saga<{ down: boolean }>('s', { version: 1 }).pivot('a', {
      run: async (s) => {
        if (s.input.down) throw new UnavailableError('Nobody is there.')
        most = Math.max(most, ++inProgress)
        await new Promise((resolve) => setImmediate(resolve))
        inProgress--
      },
    })
    const { start, settle, running } = world([chain], { concurrencyMax: 3 })
    for (let index = 0; index < 5; index++) await start(chain, `down ${index}`, { down: true })
    for (let index = 0; index < 20; index++) await start(chain, `up ${index}`, { down: false })
    for (let index = 0; index < 20; index++) assert.equal((await settle(`up ${index}`)).status, 'completed')
    assert.equal(most, 3)
    await running.stop()
  })

  test('that memory has no room for wait in the store, and are all done', async () => {
    let most = 0
    const chain = saga<null>('s', { version: 1 }).step('a', { run: nothing, compensation: 'not-needed' })
    const { start, settle, running, settings } = world([chain], {
      sagasMax: 4,
      onStatus: async () => void (most = Math.max(most, running.active)),
    })
    await Promise.all(Array.from({ length: 30 }, (_, index) => start(chain, `${index}`, null)))
    for (let index = 0; index < 30; index++) assert.equal((await settle(`${index}`)).status, 'completed')
    assert.ok(most <= 4, `${most} at once`)

    // The same at boot: more are unfinished than memory has room for.
    await running.stop()
    await Promise.all(Array.from({ length: 30 }, (_, index) => start(chain, `later ${index}`, null)))
    const next = orchestrator(settings)
    await next.resume()
    for (let index = 0; index < 30; index++) assert.equal((await settle(`later ${index}`, next)).status, 'completed')
  })

  test('are taken up at boot spread over a while, and none twice', async () => {
    const began: number[] = []
    const chain = saga<null>('s', { version: 1 }).step('a', {
      run: async () => void began.push(clock.monotonicMs()),
      compensation: 'not-needed',
    })
    const { start, running, clock, settings } = world([chain])
    await running.stop()
    for (let index = 0; index < 50; index++) await start(chain, `${index}`, null)
    const next = orchestrator({ ...settings, resumeSpreadMs: 2_000 })
    assert.equal(await next.resume(), 50)
    assert.equal(await next.resume(), 0)
    await clock.advance(2_000)
    assert.equal(began.length, 50)
    assert.ok(began.filter((at) => at < 1_000).length > 10 && began.filter((at) => at >= 1_000).length > 10)
  })
})

void suite('a saga that the code does not know', () => {
  const old = saga<null>('s', { version: 1 }).step('a', { run: nothing, compensation: 'not-needed' }).pivot('b', { run: nothing })

  test('is left as it is, and reported', async () => {
    const { start, running, clock, settings, store, journal } = world([old])
    await running.stop()
    await start(old, '1', null)
    const errors: unknown[] = []
    const next = orchestrator({ ...settings, sagas: [saga('s', { version: 2 })], onError: (error) => errors.push(error) })
    await next.resume()
    await clock.advance(60_000)
    assert.equal(errors.length, 1)
    assert.ok(errors[0] instanceof StrandedSagaError && errors[0].sagaId === '1')
    assert.equal(await next.resume(), 0, 'it was taken up again, to no end')
    assert.deepEqual([(await store.load('1'))?.record.status, await journal('1'), next.active], ['running', [], 0])
  })

  test('also when only a step of its journal is unknown', async () => {
    const { start, settings, clock, running, database, store } = world([old])
    await running.stop()
    await start(old, '1', null)
    await database.transaction((tx) => store.append(tx, '1', [{ step: 'renamed', kind: 'done', result: 1, atMs: 1 }]))
    const errors: unknown[] = []
    const next = orchestrator({ ...settings, onError: (error) => errors.push(error) })
    await next.resume()
    await clock.advance(60_000)
    assert.match(String(errors[0]), /step "renamed" that the declaration lacks/)
    assert.equal(errors.length, 1)
  })
})

test('each attempt is an operation in the trace that the saga was started in', async (t) => {
  const operations: Operation[] = []
  const stop = watchOperations((name, channel) => {
    if (name !== 'saga.step') return
    const listener = { start: (operation: Operation) => void operations.push(operation) }
    channel.start.subscribe(listener.start as never)
    t.after(() => channel.start.unsubscribe(listener.start as never))
  })
  t.after(stop)
  const chain = saga<null>('checkout', { version: 1 })
    .step('reserve stock', { run: nothing, compensate: nothing })
    .pivot('charge', { run: () => Promise.reject(new RejectedError('no', 'No.')) })
  const { start, settle } = world([chain])
  await start(chain, '1', null, rootContext({ correlationId: 'c', traceparent: '00-1-2-01' }))
  await settle('1')
  assert.deepEqual(
    operations.map(({ name, kind, parent, attributes }) => [name, kind, parent?.traceparent, attributes['seaworthy.saga.id']]),
    ['checkout reserve stock', 'checkout charge', 'checkout undo reserve stock'].map((name) => [name, 'internal', '00-1-2-01', '1']),
  )
})

test('on SQLite a checkout survives the loss of its process between call and journal', async (t: TestContext) => {
  const path = join(testFolder(t), 'orders.db')
  const payments = await openSqliteDatabase({ path: join(testFolder(t), 'payments.db'), durability: 'process-crash' })
  t.after(() => payments.close())
  await migrate(payments, [
    participantStoreSchema,
    { component: 'ledger', versions: ['CREATE TABLE charge (key TEXT, cents INTEGER) STRICT'] },
  ])
  const taking = participant({ database: payments, store: sqliteParticipantStore(payments) })
  const charge = (key: string) =>
    taking.act(key, 'f', async (tx) => {
      await tx.execute({ sql: 'INSERT INTO charge VALUES (?, 50)', params: [key] })
      return { charged: 50 }
    })
  let hangs = true
  const called = Promise.withResolvers<void>()
  const checkout = saga<{ cents: number }>('checkout', { version: 1 }).pivot('charge', {
    run: async (s) => {
      const answer = await charge(s.key)
      called.resolve()
      if (hangs) await new Promise(() => undefined)
      return answer
    },
  })
  const open = async () => {
    const database = await openSqliteDatabase({ path, durability: 'process-crash' })
    await migrate(database, [sagaStoreSchema])
    const store = sqliteSagaStore(database)
    return { database, store, sagas: orchestrator({ sagas: [checkout], store, database, resumeSpreadMs: 0, stopTimeoutMs: 0 }) }
  }
  const first = await open()
  await first.database.transaction((tx) => first.sagas.start(tx, checkout, { id: '1', input: { cents: 50 } }))
  await called.promise
  await first.sagas.stop()
  await first.database.close()

  hangs = false
  const second = await open()
  t.after(() => second.database.close())
  assert.equal(await second.sagas.resume(), 1)
  assert.equal((await second.sagas.settled('1', { timeoutMs: 10_000 }))?.status, 'completed')
  assert.deepEqual(await payments.query({ sql: 'SELECT key, cents FROM charge' }), [{ key: '1/charge', cents: 50 }])
  assert.deepEqual((await second.store.load('1'))?.journal.map(line), [
    'charge started 1',
    'charge started 2',
    'charge done {"charged":50}',
  ])
  await second.sagas.stop()
  await eventually('nothing runs', () => second.sagas.active === 0)
})
