import { test } from 'node:test'
import { simulate } from '@seaworthy/simulation'
import { accounts, moneyIsConserved, snapshotsChangeNothing } from '../worlds/account.ts'

test('event sourcing, snapshots and projections: no single fault and no random history loses or doubles a command', async () => {
  await simulate({ system: accounts, invariants: [moneyIsConserved, snapshotsChangeNothing], exhaustive: 1, seeds: 50 })
})
