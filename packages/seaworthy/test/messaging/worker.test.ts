import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Operation, RejectedError, TimeoutError, UnavailableError, constant, currentContext, watchOperations } from 'seaworthy/core'
import { type Queue, type Worker, type WorkerFailure, type WorkerOptions, LeaseLostError, startWorker } from 'seaworthy/messaging'
import { openSqliteQueue } from 'seaworthy/sqlite'
import { VirtualClock, eventually } from '@seaworthy/testing'
import { testFolder } from '../sqlite/folder.ts'

async function setUp(t: TestContext, options: { deliveryLimit?: number } = {}) {
  const clock = new VirtualClock()
  const queue = await openSqliteQueue({ path: join(testFolder(t), 'queue.db'), clock, ...options })
  const failures: WorkerFailure[] = []
  const workers: Worker[] = []
  t.after(async () => {
    await Promise.all(workers.map((worker) => worker.stop()))
    await queue.close()
  })
  const start = (handler: WorkerOptions['handler'], more: Partial<WorkerOptions> = {}) => {
    const worker = startWorker({
      queue,
      name: 'mails',
      handler,
      clock,
      backoff: constant(1_000),
      onFailure: (failure) => failures.push(failure),
      ...more,
    })
    workers.push(worker)
    return worker
  }
  return { clock, queue, failures, start }
}

const send = (queue: Queue, id: string, extra: object = {}) =>
  queue.send({ id, body: { for: id }, context: { correlationId: `c-${id}`, ...extra } })
const isEmpty = (queue: Queue) => async () => {
  const { ready, delayed, leased } = await queue.status()
  return ready + delayed + leased === 0
}

test('a message is handled in its own context, with a budget of its own, and acknowledged', async (t) => {
  const { queue, start } = await setUp(t)
  const seen: unknown[] = []
  start(async ({ id, body, attempt }) => {
    const context = currentContext()
    seen.push({ id, body, attempt, correlationId: context?.correlationId, actor: context?.actor, causationId: context?.causationId })
    assert.ok(context?.deadlineMs !== undefined && context.signal !== undefined && context.idempotencyKey === undefined)
  })
  await send(queue, 'm', { actor: 'somebody' })
  await eventually('the message is gone', isEmpty(queue))
  assert.deepEqual(seen, [{ id: 'm', body: { for: 'm' }, attempt: 1, correlationId: 'c-m', actor: 'somebody', causationId: 'm' }])
})

test('no more messages are in hand than the limit', async (t) => {
  const { queue, start } = await setUp(t)
  let now = 0
  let most = 0
  for (let index = 0; index < 20; index++) await send(queue, `m${index}`)
  start(
    async () => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setTimeout(resolve, 1))
      now--
    },
    { concurrencyMax: 3 },
  )
  await eventually('all are handled', isEmpty(queue))
  assert.equal(most, 3)
})

test('a failed message is tried again after the back-off, and told of', async (t) => {
  const { clock, queue, failures, start } = await setUp(t)
  const attempts: number[] = []
  start(async ({ attempt }) => {
    attempts.push(attempt)
    if (attempt < 3) throw new Error('not yet')
  })
  await send(queue, 'm')
  await eventually('it was tried', async () => attempts.length === 1 && (await queue.status()).delayed === 1)
  await clock.advance(999)
  assert.deepEqual(attempts, [1])
  await clock.advance(1)
  await eventually('it was tried again', async () => attempts.length === 2 && (await queue.status()).delayed === 1)
  await clock.advance(1_000)
  await eventually('it is gone', isEmpty(queue))
  assert.deepEqual(attempts, [1, 2, 3])
  assert.deepEqual(
    failures.map(({ messageId, outcome }) => `${messageId} ${outcome}`),
    ['m retry', 'm retry'],
  )
})

test('the receiver of a call that says when to come back is waited for', async (t) => {
  const { clock, queue, start } = await setUp(t)
  let attempts = 0
  start(async () => {
    if (++attempts === 1) throw new UnavailableError('busy', { retryAfterMs: 60_000 })
  })
  await send(queue, 'm')
  await eventually('it was tried', async () => attempts === 1 && (await queue.status()).delayed === 1)
  await clock.advance(59_000)
  assert.equal(attempts, 1)
  await clock.advance(1_000)
  await eventually('it is gone', isEmpty(queue))
  assert.equal(attempts, 2)
})

test('a final error sets the message aside at once, with its reason', async (t) => {
  const { queue, failures, start } = await setUp(t)
  start(async () => {
    throw new RejectedError('no-such-address', 'Nobody lives there.')
  })
  await send(queue, 'm')
  await eventually('it is set aside', async () => (await queue.status()).dead === 1)
  const [dead] = await queue.deadLetters({ max: 1 })
  assert.equal(dead!.attempts, 1)
  assert.match(dead!.reason, /Nobody lives there/)
  assert.deepEqual(
    failures.map(({ outcome }) => outcome),
    ['dead'],
  )
})

test('at the delivery limit the message is set aside', async (t) => {
  const { clock, queue, start } = await setUp(t, { deliveryLimit: 2 })
  start(async () => {
    throw new Error('always')
  })
  await send(queue, 'm')
  await eventually('it is set aside', async () => {
    await clock.advance(1_000)
    return (await queue.status()).dead === 1
  })
})

test('the lease is extended for as long as the handler runs', async (t) => {
  const { clock, queue, failures, start } = await setUp(t)
  const gate = Promise.withResolvers<void>()
  let calls = 0
  start(
    async () => {
      calls++
      await gate.promise
    },
    { leaseMs: 3_000 },
  )
  await send(queue, 'm')
  await eventually('the handler runs', () => calls === 1)
  for (let second = 0; second < 30; second++) await clock.advance(500)
  assert.equal((await queue.status()).leased, 1)
  gate.resolve()
  await eventually('it is gone', isEmpty(queue))
  assert.equal(calls, 1)
  assert.deepEqual(failures, [])
})

test('a lost lease aborts the handler, and its late success counts for nothing', async (t) => {
  const { clock, queue, failures, start } = await setUp(t)
  let reason: unknown
  let calls = 0
  start(
    async ({ signal, attempt }) => {
      calls++
      if (attempt > 1) return
      // An event loop that stood still for longer than the lease: its timers come too late.
      clock.stall(10_000)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reason = signal.reason
    },
    { leaseMs: 3_000, concurrencyMax: 1 },
  )
  await send(queue, 'm')
  await eventually('it was handled again', async () => {
    await clock.advance(1_000)
    return calls === 2 && isEmpty(queue)()
  })
  assert.ok(reason instanceof LeaseLostError)
  assert.deepEqual(
    failures.map(({ error, outcome }) => [error instanceof LeaseLostError, outcome]),
    [[true, 'none']],
  )
})

test('a handler that ignores its time limit holds neither the place nor the message', async (t) => {
  const { clock, queue, failures, start } = await setUp(t)
  let calls = 0
  start(
    async ({ id }) => {
      calls++
      if (id === 'hangs' && calls === 1) await new Promise(() => undefined)
    },
    { concurrencyMax: 1, handlerTimeoutMs: 5_000 },
  )
  await send(queue, 'hangs')
  await eventually('the handler runs', () => calls === 1)
  await send(queue, 'waits')
  await eventually('both are done', async () => {
    await clock.advance(1_000)
    return isEmpty(queue)()
  })
  assert.equal(calls, 3)
  assert.ok(failures.length === 1 && failures[0]!.error instanceof TimeoutError)
})

test('stop takes no more, and waits for what is in hand', async (t) => {
  const { queue, start } = await setUp(t)
  const gate = Promise.withResolvers<void>()
  const handled: string[] = []
  const worker = start(
    async ({ id }) => {
      await gate.promise
      handled.push(id)
    },
    { concurrencyMax: 1 },
  )
  await send(queue, 'first')
  await send(queue, 'second')
  await eventually('the first is in hand', () => worker.active === 1)
  let stopped = false
  const stopping = worker.stop().then(() => (stopped = true))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(stopped, false)
  gate.resolve()
  await stopping
  assert.deepEqual(handled, ['first'])
  assert.deepEqual(await queue.status(), { ready: 1, delayed: 0, leased: 0, dead: 0 })
})

test('what does not finish in time at a stop is aborted and handed back at once', async (t) => {
  const { clock, queue, start } = await setUp(t)
  const worker = start(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))), {
    drainTimeoutMs: 2_000,
  })
  await send(queue, 'm')
  await eventually('it is in hand', () => worker.active === 1)
  const stopping = worker.stop()
  await clock.advance(2_000)
  await stopping
  assert.deepEqual(await queue.status(), { ready: 1, delayed: 0, leased: 0, dead: 0 })
  assert.deepEqual(clock.pending, [])
})

test('a signal stops it as stop() does, and an idle worker stops at once', async (t) => {
  const { clock, queue, start } = await setUp(t)
  const controller = new AbortController()
  const worker = start(async () => undefined, { signal: controller.signal })
  await send(queue, 'm')
  await eventually('it is handled', isEmpty(queue))
  controller.abort()
  await worker.stop()
  await send(queue, 'late')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal((await queue.status()).ready, 1)
  assert.deepEqual(clock.pending, [])
})

test('a queue that fails is asked again after a while', async (t) => {
  const { clock, queue, failures, start } = await setUp(t)
  let broken = true
  const flaky: Queue = {
    ...queue,
    receive: (options) => (broken ? Promise.reject(new UnavailableError('The broker is away.')) : queue.receive(options)),
  }
  const handled: string[] = []
  start(async ({ id }) => void handled.push(id), { queue: flaky })
  await send(queue, 'm')
  await eventually('it was asked three times', async () => {
    await clock.advance(1_000)
    return failures.length >= 3
  })
  broken = false
  await eventually('it is handled', async () => {
    await clock.advance(1_000)
    return handled.length === 1
  })
})

test('the work is a consumer span, whose parent came with the message', async (t) => {
  const { queue, start } = await setUp(t)
  const operations: Operation[] = []
  const stop = watchOperations((name, channel) => {
    if (name !== 'queue.process') return
    const ignore = () => undefined
    const subscriber = {
      start: (operation: Operation) => void operations.push(operation),
      end: ignore,
      asyncStart: ignore,
      asyncEnd: ignore,
      error: ignore,
    }
    channel.subscribe(subscriber)
    t.after(() => channel.unsubscribe(subscriber))
  })
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  start(async () => undefined)
  await send(queue, 'm', { traceparent })
  await eventually('it is handled', isEmpty(queue))
  stop()
  const [operation] = operations
  assert.equal(operation!.kind, 'consumer')
  assert.equal(operation!.parent?.traceparent, traceparent)
  assert.equal(operation!.attributes['seaworthy.correlation_id'], 'c-m')
  assert.equal(operation!.attributes['messaging.destination.name'], 'mails')
})
