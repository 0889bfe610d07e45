import { setTimeout as delay } from 'node:timers/promises'
import { eventLogContract } from '@seaworthy/testing'
import { logForTest } from './server.ts'

for (const contentMode of ['structured', 'binary'] as const) {
  const open = async () => {
    const { log, openAnother, dispose } = await logForTest({ contentMode })
    return { log, another: openAnother, pass: (ms: number) => delay(ms), nowMs: () => Date.now(), dispose }
  }
  eventLogContract(`Kafka, ${contentMode} content mode`, open, { groups: 'several-members' })
}
