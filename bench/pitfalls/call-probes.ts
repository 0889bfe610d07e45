import { idleCpuPercent } from '../harness/meters.ts'
import { after, held, ignored, pause, type Probe } from './probe.ts'
import { Down } from './subject.ts'

export const callProbes: readonly Probe[] = [
  {
    name: 'bulkhead order',
    expected: 'Calls start in the order in which they came, and one that was let into the queue is not turned away later.',
    async ask(library) {
      if (library.name.startsWith('opossum')) return undefined
      let overtaken = 0
      let turnedAway = 0
      for (let round = 0; round < 100; round++) {
        const bulkhead = library.bulkhead({ concurrencyMax: 1, queueMax: 10 })
        const started: number[] = []
        const first = held()
        const runs: Promise<unknown>[] = [bulkhead.call(first.body)]
        const call = (number: number) => {
          const run = bulkhead.call(async () => started.push(number))
          runs.push(run)
          run.catch(() => turnedAway++)
        }
        for (let number = 0; number < 5; number++) call(number)
        first.succeed()
        // Newcomers in each of the turns that follow, while those who wait are being let in. Five at most, so that the queue has room for all.
        for (let number = 5; number < 10; number++) {
          await Promise.resolve()
          call(number)
        }
        await Promise.allSettled(runs)
        overtaken += started.filter((number, index) => started.slice(0, index).some((before) => before > number)).length
      }
      return { holds: overtaken === 0 && turnedAway === 0, seen: `${overtaken} of 1,000 overtaken, ${turnedAway} turned away` }
    },
  },
  {
    name: 'calls that timed out',
    expected: 'A call that timed out and still runs keeps its place: never more than the limit run.',
    async ask(library) {
      const bulkhead = library.bulkhead({ concurrencyMax: 2, queueMax: 0, timeoutMs: 20 })
      let running = 0
      let runningMax = 0
      for (let round = 0; round < 5; round++) {
        for (let call = 0; call < 2; call++) {
          ignored(
            bulkhead.call(async () => {
              running++
              runningMax = Math.max(runningMax, running)
              await pause(400)
              running--
            }),
          )
        }
        await pause(50)
      }
      bulkhead.stop?.()
      return { holds: runningMax <= 2, seen: `${runningMax} at once with a limit of 2` }
    },
  },
  {
    name: 'siblings of a timeout',
    expected: 'One call that times out does not abort others of the same policy.',
    async ask(library) {
      const policy = library.timeout({ timeoutMs: 60 })
      const slow = held()
      ignored(policy.call(slow.body))
      await pause(40)
      const healthy = held()
      const answer = policy.call(healthy.body)
      ignored(answer)
      await pause(35)
      const wasAborted = healthy.signal()?.aborted === true
      healthy.succeed()
      policy.stop?.()
      return { holds: !wasAborted, seen: wasAborted ? 'the healthy call is aborted' : 'the healthy call goes on' }
    },
  },
  {
    name: 'reason of a timeout',
    expected: 'The signal of a body that timed out has a TimeoutError as its reason.',
    async ask(library) {
      const policy = library.timeout({ timeoutMs: 20 })
      const slow = held()
      // Asked for before the end, as a body does that hands it on.
      ignored(policy.call((signal) => slow.body(signal)))
      await pause(80)
      policy.stop?.()
      const reason: unknown = slow.signal()?.reason
      const name = reason instanceof Error ? reason.name : String(reason)
      return { holds: name === 'TimeoutError', seen: name }
    },
  },
  {
    name: 'abort during back-off',
    expected: 'An abort ends the wait between two attempts at once.',
    async ask(library) {
      const retry = library.retry?.({ attemptsMax: 3, delayMs: 600 })
      if (retry === undefined) return undefined
      const controller = new AbortController()
      const run = retry.call(() => Promise.reject(new Down('down')), controller.signal)
      ignored(run)
      await pause(30)
      controller.abort(new Error('left'))
      const how = await after(200, run)
      return { holds: how === 'error', seen: how === 'error' ? 'ends at once' : 'sleeps on' }
    },
  },
  {
    name: 'cost of a failure',
    expected: 'A failure costs the same whether the window holds 100 samples or 5,000.',
    async ask(library) {
      const costAt = async (samples: number): Promise<number> => {
        const breaker = library.rateBreaker({ openMs: 60_000, windowMs: 600_000 })
        for (let index = 0; index < samples; index++) await breaker.call(async () => 1)
        const before = process.cpuUsage()
        // Few enough that the circuit stays closed.
        for (let index = 0; index < 40; index++) await breaker.call(() => Promise.reject(new Down('down'))).catch(() => undefined)
        const { user, system } = process.cpuUsage(before)
        breaker.stop?.()
        return user + system
      }
      await costAt(200)
      const few = await costAt(100)
      const many = await costAt(5_000)
      const factor = many / Math.max(few, 1)
      return { holds: factor < 5, seen: factor < 5 ? 'about the same' : `${factor.toFixed(0)} times as much` }
    },
  },
  {
    name: 'idle breakers',
    expected: 'Thousands of breakers that nobody calls cost no CPU time.',
    async ask(library) {
      const breakers = Array.from({ length: 2_000 }, () => library.breaker({ openMs: 30_000 }))
      // The least of three: what the process still has to clean up is nobody's breaker.
      const percents: number[] = []
      for (let window = 0; window < 3; window++) percents.push(await idleCpuPercent(1_200))
      const percent = Math.min(...percents)
      for (const breaker of breakers) breaker.stop?.()
      return { holds: percent < 0.5, seen: `${percent < 0.5 ? 'none' : `${percent.toFixed(1)} % of a core`} for 2,000` }
    },
  },
]
