import { test } from 'node:test'
import { simulate } from '@seaworthy/simulation'
import { poisonParksItsKeyAlone, poisonedConsumer } from '../worlds/poisoned-consumer.ts'

test('consumer: no single fault and no random history loses a message, or lets one past the poisoned one of its key', async () => {
  await simulate({ system: poisonedConsumer, invariants: [poisonParksItsKeyAlone], exhaustive: 1, seeds: 50 })
})
