import { VirtualClock, eventLogContract, inMemoryEventLog } from '@seaworthy/testing'

eventLogContract('in memory', async () => {
  const clock = new VirtualClock()
  const log = inMemoryEventLog({ clock, owns: ['alpha', 'beta'] })
  return {
    log,
    pass: (ms) => clock.advance(ms),
    nowMs: () => clock.now(),
    dispose: () => log.close(),
  }
})
