import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FaultMessage, InjectedFaultError, injectedFaults, type RequestFaults } from '@seaworthy/supervisor/injected-faults'
import { VirtualClock } from '@seaworthy/testing'
import { executedOf, sleep } from 'seaworthy/core'

const tell = (faults: RequestFaults) => void process.emit('message', { type: 'faults', faults } satisfies FaultMessage, undefined)

test('a request suffers nothing until it is told to, waits and fails as told, and suffers nothing once that is cleared', async (t) => {
  const clock = new VirtualClock()
  const draws = [0.4, 0.6]
  const random = { float: () => draws.shift()!, fill: (bytes: Uint8Array<ArrayBuffer>) => bytes }
  const faults = injectedFaults({ service: 'payments', clock, random })
  t.after(() => faults.stop())
  assert.equal(faults.suffer(), undefined)

  tell({ latencyMs: 2_000, errorRatio: 0 })
  let ended = false
  const late = faults.suffer()!.then(() => (ended = true))
  await clock.advance(1_999)
  assert.equal(ended, false)
  await clock.advance(1)
  await late

  draws.splice(0, 2, 0.4, 0.6)
  tell({ latencyMs: 0, errorRatio: 0.5 })
  await assert.rejects(faults.suffer()!, (error) => {
    assert.ok(error instanceof InjectedFaultError)
    assert.match(error.message, /seaworthy fault payments --clear/)
    assert.equal(executedOf(error), 'no')
    return true
  })
  await faults.suffer()

  tell({ latencyMs: 0, errorRatio: 0 })
  assert.equal(faults.suffer(), undefined)
  process.emit('message', { type: 'something else' }, undefined)
  assert.equal(faults.suffer(), undefined)
})

test('the lock of the database is held as long as told, again and again, until that is cleared', async (t) => {
  const clock = new VirtualClock()
  const held: number[] = []
  let failures = 1
  const holdLock = async (ms: number, signal: AbortSignal) => {
    held.push(ms)
    // Whoever cannot have it tries again.
    if (failures-- > 0) throw new Error('busy')
    await sleep(clock, ms, signal)
  }
  const faults = injectedFaults({ service: 'orders', holdLock, clock })
  t.after(() => faults.stop())
  tell({ latencyMs: 0, errorRatio: 0, lockMs: 300 })
  tell({ latencyMs: 5, errorRatio: 0, lockMs: 300 })
  assert.deepEqual(held, [300], 'told twice, it is held once')
  await clock.advance(20)
  await clock.advance(320)
  assert.deepEqual(held, [300, 300, 300])
  tell({ latencyMs: 0, errorRatio: 0, lockMs: 50 })
  await clock.advance(0)
  assert.equal(held.at(-1), 50)
  tell({ latencyMs: 0, errorRatio: 0 })
  const { length } = held
  await clock.advance(10_000)
  assert.equal(held.length, length)
})

test('a caller who gives up does not wait for the latency to end', async (t) => {
  const faults = injectedFaults({ service: 'payments', clock: new VirtualClock() })
  t.after(() => faults.stop())
  tell({ latencyMs: 60_000, errorRatio: 0 })
  await assert.rejects(faults.suffer(AbortSignal.abort(new Error('gone')))!, /gone/)
})
