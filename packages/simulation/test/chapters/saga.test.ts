import { test } from 'node:test'
import { simulate } from '@seaworthy/simulation'
import { allOrNothing, checkout } from '../worlds/checkout.ts'

test('saga and participants: no single fault and no random history leaves an order half booked', async () => {
  await simulate({ system: checkout, invariants: [allOrNothing], exhaustive: 1, seeds: 50 })
})
