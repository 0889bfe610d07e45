import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RejectedError } from 'seaworthy/core'
import { saga } from 'seaworthy/saga'
import { nothing, world } from './saga-world.ts'

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
