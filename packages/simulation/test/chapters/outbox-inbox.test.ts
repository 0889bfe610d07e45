import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate } from '@seaworthy/simulation'
import { everyOrderIsShippedOnce, twoServices } from '../worlds/two-services.ts'

test('outbox, relay and inbox: no single fault and no random history loses, doubles or reorders an event', async () => {
  const result = await simulate({ system: twoServices, invariants: [everyOrderIsShippedOnce], exhaustive: 1, seeds: 100 })
  assert.equal(result.missed, 0)
})
