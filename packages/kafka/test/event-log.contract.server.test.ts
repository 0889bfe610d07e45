import { setTimeout as delay } from 'node:timers/promises'
import { eventLogContract } from '@seaworthy/testing'
import { logForTest } from './server.ts'

for (const contentMode of ['structured', 'binary'] as const) {
  eventLogContract(`Kafka, ${contentMode} content mode`, async () => {
    const { log, dispose } = await logForTest({ contentMode })
    return { log, pass: (ms) => delay(ms), nowMs: () => Date.now(), dispose }
  })
}
