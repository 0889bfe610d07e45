import { after, type Finding, held, ignored, pause, type Probe } from './probe.ts'
import { Down, type Library, type Subject } from './subject.ts'

const OPEN_MS = 60
const down = () => Promise.reject(new Down('down'))
const works = async () => 'done'

/** A breaker that has opened, with a call from before that is still under way. */
async function openWithStraggler(library: Library, probeLeaseMs?: number) {
  const breaker = library.breaker({ openMs: OPEN_MS, ...(probeLeaseMs !== undefined && { probeLeaseMs }) })
  const straggler = held()
  ignored(breaker.call(straggler.body))
  ignored(breaker.call(down))
  await pause(1)
  return { breaker, straggler }
}

async function asked(subject: Subject, question: () => Promise<Finding>): Promise<Finding> {
  try {
    return await question()
  } finally {
    subject.stop?.()
  }
}

const stateAfterProbe = (holds: boolean, seen: string): Finding => ({ holds, seen })

export const breakerProbes: readonly Probe[] = [
  {
    name: 'late failure',
    expected: 'A call that began before the circuit opened, and fails while a probe runs, changes nothing.',
    async ask(library) {
      const { breaker, straggler } = await openWithStraggler(library)
      return asked(breaker, async () => {
        await pause(OPEN_MS * 1.5)
        const probe = held()
        ignored(breaker.call(probe.body))
        await pause(1)
        straggler.fail(new Down('late'))
        await pause(1)
        const state = breaker.state?.()
        probe.succeed()
        return stateAfterProbe(state === 'half-open', `${state} while the probe runs`)
      })
    },
  },
  {
    name: 'late success',
    expected: 'A call that began before the circuit opened, and succeeds while it is half-open, closes nothing.',
    async ask(library) {
      const { breaker, straggler } = await openWithStraggler(library)
      return asked(breaker, async () => {
        await pause(OPEN_MS * 1.5)
        const probe = held()
        ignored(breaker.call(probe.body))
        await pause(1)
        straggler.succeed()
        await pause(1)
        const state = breaker.state?.()
        probe.succeed()
        return stateAfterProbe(state !== 'closed', `${state} while the probe runs`)
      })
    },
  },
  {
    name: 'callers beyond the probe',
    expected: 'While a probe runs, other callers fail at once instead of queueing behind it.',
    async ask(library) {
      const { breaker } = await openWithStraggler(library)
      return asked(breaker, async () => {
        await pause(OPEN_MS * 1.5)
        const probe = held()
        ignored(breaker.call(probe.body))
        const others = await Promise.all(Array.from({ length: 5 }, () => after(30, breaker.call(works))))
        probe.succeed()
        const pending = others.filter((how) => how === 'pending').length
        return { holds: pending === 0, seen: pending === 0 ? 'all 5 fail at once' : `${pending} of 5 wait` }
      })
    },
  },
  {
    name: 'hung probe',
    expected: 'A probe that never ends holds its place for a bounded time.',
    async ask(library) {
      const { breaker } = await openWithStraggler(library, 100)
      return asked(breaker, async () => {
        await pause(OPEN_MS * 1.5)
        ignored(breaker.call(held().body))
        await pause(250)
        const how = await after(30, breaker.call(works))
        return { holds: how === 'value', seen: how === 'value' ? 'another probe goes' : 'nobody gets through any more' }
      })
    },
  },
  {
    name: 'wall clock set back',
    expected: 'A wall clock that is set back by an hour does not keep the circuit open.',
    async ask(library) {
      const { breaker } = await openWithStraggler(library)
      return asked(breaker, async () => {
        const { now } = Date
        Date.now = () => now() - 3_600_000
        try {
          await pause(OPEN_MS * 1.5)
          const how = await after(30, breaker.call(works))
          return { holds: how === 'value', seen: how === 'value' ? 'a probe goes in time' : 'open for an hour more' }
        } finally {
          Date.now = now
        }
      })
    },
  },
  {
    name: 'idle window',
    expected: 'Failures older than the window no longer count, however long nobody called.',
    async ask(library) {
      const breaker = library.rateBreaker({ openMs: 1_000, windowMs: 200 })
      return asked(breaker, async () => {
        for (let index = 0; index < 12; index++) await breaker.call(works)
        for (let index = 0; index < 10; index++) await breaker.call(down).catch(() => undefined)
        await pause(600)
        for (let index = 0; index < 3; index++) await breaker.call(down).catch(() => undefined)
        const state = breaker.state?.()
        return { holds: state === 'closed', seen: `${state} after 3 failures` }
      })
    },
  },
  {
    name: 'rejections in the rate',
    expected: 'Calls that an open circuit turned away do not count as calls: once closed, failures open it as soon as before.',
    async ask(library) {
      const breaker = library.rateBreaker({ openMs: 1_500, windowMs: 60_000 })
      return asked(breaker, async () => {
        for (let index = 0; index < 10; index++) await breaker.call(down).catch(() => undefined)
        for (let index = 0; index < 1_000; index++) ignored(breaker.call(works))
        await pause(2_200)
        await breaker.call(works).catch(() => undefined)
        let failures = 0
        while (breaker.state?.() === 'closed' && failures < 2_000) {
          await breaker.call(down).catch(() => undefined)
          failures++
        }
        return { holds: failures <= 20, seen: `opens again after ${failures} straight failures` }
      })
    },
  },
  {
    name: 'a defect as a probe',
    expected: 'A TypeError in the caller does not close a half-open circuit.',
    async ask(library) {
      const { breaker } = await openWithStraggler(library)
      return asked(breaker, async () => {
        await pause(OPEN_MS * 1.5)
        await breaker.call(() => Promise.reject(new TypeError('bug'))).catch(() => undefined)
        const state = breaker.state?.()
        return { holds: state !== 'closed', seen: `${state} after it` }
      })
    },
  },
  {
    name: 'synchronous undefined',
    expected: 'A body that returns undefined without a promise has succeeded.',
    async ask(library) {
      const breaker = library.breaker({ openMs: OPEN_MS })
      return asked(breaker, async () => {
        const how = await after(100, breaker.call((() => undefined) as unknown as () => Promise<undefined>))
        const state = breaker.state?.()
        return { holds: how === 'value' && state === 'closed', seen: `${how}, ${state}` }
      })
    },
  },
  {
    name: 'listener that throws',
    expected: 'A listener that throws when a call goes well does not make it fail.',
    async ask(library) {
      const { breaker } = await openWithStraggler(library)
      return asked(breaker, async () => {
        await pause(OPEN_MS * 1.5)
        breaker.onGood?.(() => {
          throw new Error('a dashboard is broken')
        })
        const how = await after(50, breaker.call(works))
        return { holds: how === 'value', seen: how === 'value' ? 'the call succeeds' : 'the good call fails' }
      })
    },
  },
]
