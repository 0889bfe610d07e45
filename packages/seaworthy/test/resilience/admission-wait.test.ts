import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type TestContext, test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { type Wait, sleep } from 'seaworthy/core'
import { policy, rateLimiter } from 'seaworthy/resilience'
import { timeFact } from 'seaworthy/trace-analysis'

function heard(t: TestContext): readonly Wait[] {
  const waits: Wait[] = []
  const listener = (message: unknown) => void waits.push(message as Wait)
  subscribe('seaworthy:wait', listener)
  t.after(() => unsubscribe('seaworthy:wait', listener))
  return waits
}

test('a call that waits for a place in a bulkhead tells for how long, and one that finds a place tells nothing', async (t) => {
  const waits = heard(t)
  const clock = new VirtualClock()
  const guard = policy({ bulkhead: { concurrencyMax: 1, queueMax: 1 } }, { name: 'stock', clock })
  const first = guard.run(() => sleep(clock, 300))
  await clock.advance(100)
  const second = guard.run(() => Promise.resolve('served'))
  await clock.advance(200)
  await Promise.all([first, second])
  assert.deepEqual(waits, [{ attribute: timeFact.admissionWaitMs, sinceMs: 100, untilMs: 300 }])
})

test('a call that waits for its turn with a rate limiter tells for how long', async (t) => {
  const waits = heard(t)
  const clock = new VirtualClock()
  const limiter = rateLimiter({ kind: 'token-bucket', perSecond: 10, waitMaxMs: 1_000 }, { name: 'mail', clock })
  await limiter.run(() => Promise.resolve())
  const second = limiter.run(() => Promise.resolve())
  await clock.advance(100)
  await second
  assert.deepEqual(waits, [{ attribute: timeFact.admissionWaitMs, sinceMs: 0, untilMs: 100 }])
})

test('the wait is told where the call waits, not where the place was given up', async (t) => {
  const who = new AsyncLocalStorage<string>()
  const heardBy: (string | undefined)[] = []
  const listener = () => void heardBy.push(who.getStore())
  subscribe('seaworthy:wait', listener)
  t.after(() => unsubscribe('seaworthy:wait', listener))
  const clock = new VirtualClock()
  const guard = policy({ bulkhead: { concurrencyMax: 1, queueMax: 1 } }, { name: 'stock', clock })
  const first = who.run('first', () => guard.run(() => sleep(clock, 300)))
  const second = who.run('second', () => guard.run(() => Promise.resolve()))
  await clock.advance(300)
  await Promise.all([first, second])
  assert.deepEqual(heardBy, ['second'])
})
