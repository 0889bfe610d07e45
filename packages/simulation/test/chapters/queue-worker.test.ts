import { test } from 'node:test'
import { simulate } from '@seaworthy/simulation'
import { everyLetterIsSentOnce, mailing } from '../worlds/mailing.ts'

test('queue and worker: no single fault and no random history loses a job, or does it twice under its id', async () => {
  await simulate({ system: mailing, invariants: [everyLetterIsSentOnce], exhaustive: 1, seeds: 200 })
})
