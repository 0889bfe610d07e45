import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rootContext } from 'seaworthy/core'
import { type Hedge, hedge } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { abortable, assertNothingLeft, errorOf, heldBody, watched } from './calls.ts'

const name = 'search'

/** A hedge that has seen calls of 10 ms, 128 of them, and has tokens. */
async function learned(clock: VirtualClock): Promise<Hedge> {
  const hedged = hedge({ idempotent: true, ratioMax: 0.1 }, { name, clock })
  await calls(hedged, clock, 128, 10)
  return hedged
}

async function calls(hedged: Hedge, clock: VirtualClock, count: number, takesMs: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const { body, calls } = heldBody()
    const run = hedged.run(body)
    await clock.advance(takesMs)
    for (const call of calls) call.succeed()
    await run
  }
}

describe('a hedge', () => {
  test('makes a late call a second time, takes the first answer, and cancels the other exactly once', async () => {
    const clock = new VirtualClock()
    const hedged = await learned(clock)
    const { body, calls } = heldBody()
    const run = hedged.run(body)
    await clock.advance(10)
    assert.equal(calls.length, 1)
    await clock.advance(1)
    assert.equal(calls.length, 2)
    let aborts = 0
    calls[0]!.call.signal?.addEventListener('abort', () => aborts++)
    calls[1]!.succeed('second')
    assert.equal(await run, 'second')
    assert.equal(aborts, 1)
    assert.equal(calls[1]!.call.signal?.aborted, false, 'the winner was cancelled')
    calls[0]!.succeed('late')
    assert.equal(hedged.snapshot().won, 1)
    assertNothingLeft(clock)
  })

  test('hedges nothing before it has seen enough, nor what must not be made twice', async () => {
    const clock = new VirtualClock()
    const fresh = hedge({ idempotent: true }, { name, clock })
    const unsafe = hedge({}, { name, clock })
    await calls(unsafe, clock, 128, 10)
    for (const hedged of [fresh, unsafe]) {
      const { body, calls } = heldBody()
      const run = hedged.run(body)
      await clock.advance(1_000)
      assert.equal(calls.length, 1)
      calls[0]!.succeed()
      await run
    }
    const { body, calls: made } = heldBody()
    await calls(unsafe, clock, 40, 10)
    const keyed = unsafe.run(body, rootContext({ idempotencyKey: 'order-1' }))
    await clock.advance(1_000)
    assert.equal(made.length, 2)
    made[1]!.succeed()
    await keyed
  })

  test('is no retry: a call that fails early has failed', async () => {
    const clock = new VirtualClock()
    const hedged = await learned(clock)
    const { body, calls } = heldBody()
    const run = errorOf(hedged.run(body))
    const down = new Error('down')
    calls[0]!.fail(down)
    assert.equal(await run, down)
    assert.equal(calls.length, 1)
    assertNothingLeft(clock)
  })

  test('waits for the second when the first fails after it, and tells the first error when both fail', async () => {
    const clock = new VirtualClock()
    const hedged = await learned(clock)
    const { body, calls } = heldBody()
    const saved = hedged.run(body)
    await clock.advance(11)
    calls[0]!.fail(new Error('first'))
    calls[1]!.succeed('second')
    assert.equal(await saved, 'second')
    const lost = errorOf(hedged.run(body))
    await clock.advance(11)
    calls[3]!.fail(new Error('fourth'))
    calls[2]!.fail(new Error('third'))
    assert.match(String(await lost), /fourth/)
  })

  test('an abort of the caller ends both at once', async () => {
    const clock = new VirtualClock()
    const hedged = await learned(clock)
    const { body, calls } = heldBody()
    const { context, controller } = abortable()
    const run = watched(hedged.run(body, context))
    await clock.advance(11)
    controller.abort(new Error('left'))
    await clock.advance(0)
    assert.match(String(run.error), /left/)
    assert.deepEqual(
      calls.map(({ call }) => call.signal?.aborted),
      [true, true],
    )
    assertNothingLeft(clock, [controller.signal])
  })

  test('stops when many calls are late: then the receiver is slow, not the call', async () => {
    const clock = new VirtualClock()
    const hedged = await learned(clock)
    await calls(hedged, clock, 60, 100)
    const { hedges } = hedged.snapshot()
    assert.ok(hedges <= 5, `${hedges} of 60 calls were hedged`)
  })
})
