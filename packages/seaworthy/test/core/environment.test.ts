import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Environment,
  environment,
  faultPoint,
  newId,
  nextMacrotask,
  seededRandom,
  setEnvironment,
  systemClock,
  systemRandom,
} from 'seaworthy/core'

function fake(): Environment & { readonly reached: string[] } {
  const reached: string[] = []
  return {
    reached,
    clock: { now: () => 1, monotonicMs: () => 2, timer: () => ({ cancel: () => reached.push('cancelled') }) },
    random: seededRandom(1),
    newId: () => 'id',
    nextMacrotask: () => ({ cancel: () => reached.push('turn cancelled') }),
    faultPoint: (name) => {
      reached.push(name)
      return Promise.resolve()
    },
  }
}

test('an environment that stands in for the process answers for every default', async () => {
  const stand = fake()
  const remove = setEnvironment(() => stand)
  try {
    assert.equal(systemClock.now(), 1)
    assert.equal(systemClock.monotonicMs(), 2)
    systemClock.timer(0, () => assert.fail('a real timer fired')).cancel()
    nextMacrotask(() => assert.fail('the real event loop turned')).cancel()
    assert.equal(systemRandom.float(), seededRandom(1).float())
    assert.equal(newId(), 'id')
    await faultPoint('here')
    assert.deepEqual(stand.reached, ['cancelled', 'turn cancelled', 'here'])
  } finally {
    remove()
  }
})

test('code for which no other environment is found keeps that of the process', () => {
  const remove = setEnvironment(() => undefined)
  try {
    assert.ok(Math.abs(systemClock.now() - Date.now()) < 1_000)
    assert.match(newId(), /^[0-9a-f]{8}-/)
    assert.equal(faultPoint('here'), undefined)
  } finally {
    remove()
  }
})

test('without one a fault point does nothing, and time is the process’s own', () => {
  assert.equal(environment(), undefined)
  assert.equal(faultPoint('here'), undefined)
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1_000)
})

test('taking away an environment that was replaced leaves the newer one', () => {
  const removeFirst = setEnvironment(fake)
  const newer = fake()
  const removeNewer = setEnvironment(() => newer)
  removeFirst()
  assert.equal(environment(), newer)
  removeNewer()
  assert.equal(environment(), undefined)
})
