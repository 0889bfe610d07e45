import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CallContext, nextMacrotask, rootContext } from 'seaworthy/core'
import { loadShedder, OverloadedError, type Priority } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { abortable, errorOf } from './calls.ts'

const name = 'storefront'
const priorityOf = (context: CallContext) => (context.actor ?? 'normal') as Priority
const as = (priority: Priority) => rootContext({ actor: priority })
const works = async () => 'page'

/** A shedder whose event loop took so long for the turn in which it was first asked. */
async function after(turnMs: number) {
  const clock = new VirtualClock()
  const shedder = loadShedder({ eventLoopDelayMaxMs: 100 }, { name, clock, priorityOf })
  assert.equal(await shedder.run(works), 'page')
  clock.stall(turnMs)
  await new Promise<void>((resolve) => nextMacrotask(resolve))
  return { clock, shedder }
}

describe('a load shedder', () => {
  test('sheds the least important first while the event loop is late', async () => {
    const { shedder } = await after(150)
    const error = await errorOf(shedder.run(works, as('sheddable')))
    assert.ok(error instanceof OverloadedError)
    assert.match(error.message, /took 150 ms \(eventLoopDelayMaxMs 100\)/)
    assert.equal(error.retryAfterMs, 1_000)
    assert.equal(await shedder.run(works, as('normal')), 'page')
  })

  test('sheds normal calls when it is very late, and critical ones never', async () => {
    const { shedder } = await after(250)
    assert.ok((await errorOf(shedder.run(works, as('normal')))) instanceof OverloadedError)
    assert.equal(await shedder.run(works, as('critical')), 'page')
    assert.equal(shedder.snapshot().shed, 1)
  })

  test('makes no call whose caller has left', async () => {
    const { context, controller } = abortable()
    controller.abort(new Error('left'))
    const shedder = loadShedder({ eventLoopDelayMaxMs: 100 }, { name, clock: new VirtualClock() })
    assert.match(String(await errorOf(shedder.run(() => assert.fail('called'), context))), /left/)
  })

  test('forgets a late turn of long ago', async () => {
    const { clock, shedder } = await after(500)
    await clock.advance(1_500)
    assert.equal(await shedder.run(works, as('sheddable')), 'page')
  })
})
