import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
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
import { type StepContext, saga } from 'seaworthy/saga'
import { nothing, world } from './saga-world.ts'

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
