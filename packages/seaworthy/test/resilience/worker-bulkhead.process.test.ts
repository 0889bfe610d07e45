import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { rootContext, systemClock, TimeoutError, UnknownOutcomeError } from 'seaworthy/core'
import { BulkheadFullError, workerBulkhead, type WorkerBulkheadDeclaration } from 'seaworthy/resilience'
import { abortable, errorOf } from './calls.ts'
import type busyTask from './fixtures/busy-task.ts'

const images = (declaration: WorkerBulkheadDeclaration) =>
  workerBulkhead<Parameters<typeof busyTask>[0], number>(new URL('fixtures/busy-task.ts', import.meta.url), declaration, { name: 'images' })

describe('a worker bulkhead', () => {
  test('does tasks on threads, and uses them again', async () => {
    await using pool = images({ threadsMax: 1, queueMax: 5, taskMs: 30_000 })
    const squares = await Promise.all([2, 3, 4].map((number) => pool.run({ what: 'square', number })))
    assert.deepEqual(squares, [4, 9, 16])
    assert.equal(pool.snapshot().threads, 1)
    assert.ok((await errorOf(pool.run({ what: 'fail', number: 0 }))) instanceof RangeError)
    assert.equal(pool.snapshot().threads, 1)
  })

  test('image processing does not sink the login: while threads are busy for ever, the event loop turns', async () => {
    await using pool = images({ threadsMax: 1, taskMs: 30_000 })
    const { context, controller } = abortable()
    const stuck = errorOf(pool.run({ what: 'loop', number: 0 }, context))
    const error = await errorOf(pool.run({ what: 'square', number: 2 }))
    assert.ok(error instanceof BulkheadFullError)
    for (let login = 0; login < 20; login++) await delay(1)
    controller.abort(new Error('left'))
    assert.match(String(await stuck), /left/)
  })

  test('ends a task that takes too long, and its thread with it, before another gets the place', async () => {
    await using pool = images({ threadsMax: 1, queueMax: 1, taskMs: 30_000 })
    await pool.run({ what: 'square', number: 1 })
    const hurried = rootContext({ deadlineMs: systemClock.monotonicMs() + 200 })
    const stuck = errorOf(pool.run({ what: 'loop', number: 0 }, hurried))
    const next = pool.run({ what: 'square', number: 5 })
    const error = await stuck
    assert.ok(error instanceof TimeoutError)
    assert.equal(error.executed, 'maybe')
    assert.equal(await next, 25)
    assert.equal(pool.snapshot().threads, 1)
  })

  test('a thread that dies takes its own task with it, and no other', async () => {
    await using pool = images({ threadsMax: 1, queueMax: 1, taskMs: 30_000 })
    assert.ok((await errorOf(pool.run({ what: 'exit', number: 0 }))) instanceof UnknownOutcomeError)
    assert.equal(await pool.run({ what: 'square', number: 6 }), 36)
    assert.equal(pool.snapshot().running, 0)
  })
})
