import { type Clock, systemClock } from 'seaworthy/core'
import type { Lifecycle, LifecycleOptions, Part } from 'seaworthy/system'

const STOP_TIMEOUT_MS = 4_000

export interface ProcessLifecycleOptions extends LifecycleOptions {
  /** Called when the stop took too long: parts that never finish must not keep the process. */
  readonly onTimeout: (stillStopping: string) => void
  readonly clock?: Clock
}

/** The lifecycle of a process: what was started last is stopped first. */
export function startLifecycle(options: ProcessLifecycleOptions): Lifecycle {
  const { stopTimeoutMs = STOP_TIMEOUT_MS, onStopError = printStopError, onTimeout, clock = systemClock } = options
  const parts: Part[] = []
  const stopping = new AbortController()
  let isReady = false
  let stopped: Promise<void> | undefined

  async function stopAll(): Promise<void> {
    let current = ''
    const timer = clock.timer(stopTimeoutMs, () => onTimeout(current), { keepAlive: false })
    try {
      for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
        current = part.name
        try {
          await part.stop()
        } catch (error) {
          // The others still hold connections, leases and buffers of their own.
          onStopError(part.name, error)
        }
      }
    } finally {
      timer.cancel()
    }
  }

  return {
    get isReady() {
      return isReady
    },
    signal: stopping.signal,
    add(name, stop) {
      parts.push({ name, stop: async () => stop() })
    },
    ready() {
      isReady = !stopping.signal.aborted
    },
    stop(reason) {
      if (stopped === undefined) {
        isReady = false
        stopping.abort(new Error(`The process stops: ${reason}.`))
        stopped = stopAll()
      }
      return stopped
    },
  }
}

function printStopError(part: string, error: unknown): void {
  console.error(`${part} failed to stop:`, error)
}
