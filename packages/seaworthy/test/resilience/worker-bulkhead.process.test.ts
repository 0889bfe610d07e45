import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  ConfigurationError,
  InvalidInputError,
  rootContext,
  systemClock,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
} from 'seaworthy/core'
import { BulkheadFullError, workerBulkhead, type WorkerBulkheadDeclaration } from 'seaworthy/resilience'
import { eventually } from '@seaworthy/testing'
import { abortable, errorOf } from './calls.ts'
import type busyTask from './fixtures/busy-task.ts'

const images = (declaration: WorkerBulkheadDeclaration) =>
  workerBulkhead<Parameters<typeof busyTask>[0], number>(new URL('fixtures/busy-task.ts', import.meta.url), declaration, { name: 'images' })

const poolOf = (source: string, declaration: Partial<WorkerBulkheadDeclaration> = {}) =>
  workerBulkhead<unknown, unknown>(
    new URL(`data:text/javascript,${encodeURIComponent(source)}`),
    { threadsMax: 1, queueMax: 5, taskMs: 30_000, ...declaration },
    { name: 'images' },
  )

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

  test('takes no message of the task itself for its answer', async () => {
    await using pool = poolOf(
      `import { parentPort } from 'node:worker_threads'
       export default (input) => { parentPort.postMessage({ value: 'half done' }); parentPort.postMessage(null); return input }`,
    )
    assert.deepEqual(await Promise.all([1, 2, 3].map((input) => pool.run(input))), [1, 2, 3])
  })

  test('refuses what cannot be cloned, and keeps the thread', async () => {
    await using pool = poolOf('export default (input) => (input === 1 ? () => input : input)')
    const error = await errorOf(pool.run(() => {}))
    assert.ok(error instanceof InvalidInputError && error.executed === 'no')
    assert.match(String(await errorOf(pool.run(1))), /TypeError: What the task answered cannot be sent/)
    assert.equal(await pool.run(2), 2)
    assert.equal(pool.snapshot().threads, 1)
  })

  test('says what is wrong with its module', async () => {
    await using absent = workerBulkhead(
      new URL('fixtures/no-such-task.ts', import.meta.url),
      { threadsMax: 1, taskMs: 30_000 },
      { name: 'images' },
    )
    await assert.rejects(
      absent.run(1),
      /ConfigurationError: The module .*no-such-task.* of worker bulkhead images cannot be used: Cannot find/,
    )
    await using without = poolOf('export const task = (input) => input')
    await assert.rejects(without.run(1), (error) => error instanceof ConfigurationError && error.message.includes('default export'))
  })

  test('does not begin when no time is left', async () => {
    await using pool = poolOf('export default (input) => input')
    const late = rootContext({ deadlineMs: systemClock.monotonicMs() - 1 })
    const error = await errorOf(pool.run(1, late))
    assert.ok(error instanceof TimeoutError && error.executed === 'no')
    assert.equal(pool.snapshot().threads, 0)
  })

  test('answers at the limit, although the thread is in native code that cannot be ended; its place is taken until it is', async () => {
    await using pool = poolOf(
      `import { execFileSync } from 'node:child_process'
       export default (script) => script === '' ? 'next' : execFileSync(process.execPath, ['-e', script])`,
      { taskMs: 300 },
    )
    const child = 'process.stdin.resume(); setTimeout(() => process.exit(), 2_000)'
    assert.ok((await errorOf(pool.run(child))) instanceof TimeoutError)
    assert.equal(pool.snapshot().running, 1)
    await eventually('the thread has ended', () => pool.snapshot().running === 0)
  })

  test('that is disposed of ends its tasks, turns those that wait away, and begins no more', async () => {
    const pool = poolOf('export default () => new Promise(() => {})')
    const runs = [1, 2, 3].map((input) => errorOf(pool.run(input)))
    await pool[Symbol.asyncDispose]()
    const [first, ...others] = await Promise.all(runs)
    assert.ok(first instanceof UnknownOutcomeError)
    for (const error of [...others, await errorOf(pool.run(4))]) assert.ok(error instanceof UnavailableError)
    assert.equal(pool.snapshot().threads, 0)
  })
})
