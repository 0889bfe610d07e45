import { openSync, readSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

/** What the operating system and the event loop say of this thread. All in milliseconds, counted from some moment in the past. */
export interface ProcessReading {
  /** CPU that this thread used. */
  cpuMs(): number
  /** How long the event loop was not waiting for anything to do. */
  loopActiveMs(): number
  /** How long this thread could have run and another one had the processor. Undefined where the system does not tell: all but Linux. */
  processorWaitMs(): number | undefined
}

/** That of the thread that calls it. */
export function processReading(): ProcessReading {
  const schedule = openSchedule()
  const buffer = Buffer.allocUnsafe(80)
  return {
    cpuMs: threadCpuMs,
    loopActiveMs: () => performance.eventLoopUtilization().active,
    processorWaitMs() {
      if (schedule === undefined) return undefined
      try {
        // Nanoseconds on a processor, nanoseconds in its queue, and turns (Documentation/scheduler/sched-stats.rst).
        const text = buffer.toString('latin1', 0, readSync(schedule, buffer, 0, buffer.length, 0))
        return Number(text.split(' ', 2)[1]) / 1e6
      } catch {
        return undefined
      }
    },
  }
}

/** Node 22 tells of the whole process alone: garbage collection and the thread pool are counted in. */
function threadCpuMs(): number {
  const { user, system } = typeof process.threadCpuUsage === 'function' ? process.threadCpuUsage() : process.cpuUsage()
  return (user + system) / 1_000
}

function openSchedule(): number | undefined {
  try {
    // Kept open for good: opening costs more than reading.
    return openSync('/proc/thread-self/schedstat', 'r')
  } catch {
    return undefined
  }
}
