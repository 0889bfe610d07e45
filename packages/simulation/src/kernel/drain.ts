import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'

/**
 * How the promises that are ready are run between two steps.
 * - `checkpoint`: by V8's own `%PerformMicrotaskCheckpoint`, within one macrotask. 365 ns a step.
 * - `macrotask`: by letting the event loop turn. 5 µs a step; the portable fallback.
 */
export type DrainKind = 'checkpoint' | 'macrotask'

let found: (() => void) | undefined | 'unavailable'

/**
 * V8's microtask checkpoint, or undefined where this V8 has none. Inside a microtask it silently does nothing, so call it, and what it is
 * called for, from a macrotask only: {@link inMacrotask}.
 */
function microtaskCheckpoint(): (() => void) | undefined {
  if (found === undefined) {
    try {
      // The flag is needed while the function is compiled, which happens at its first call; then it is taken back.
      setFlagsFromString('--allow-natives-syntax')
      found = runInThisContext('() => { %PerformMicrotaskCheckpoint() }') as () => void
      found()
    } catch {
      found = 'unavailable'
    } finally {
      setFlagsFromString('--no-allow-natives-syntax')
    }
  }
  return found === 'unavailable' ? undefined : found
}

/** What drains between two steps; undefined where the event loop does, by choice or because this V8 has nothing else. */
export function checkpointOf(drain: DrainKind): (() => void) | undefined {
  return drain === 'checkpoint' ? microtaskCheckpoint() : undefined
}

/** Whether a checkpoint made now runs what is ready: false inside a microtask. */
export function checkpointWorks(checkpoint: () => void): boolean {
  let ran = false
  queueMicrotask(() => (ran = true))
  checkpoint()
  return ran
}

// Taken before any simulation puts a trap in its place.
const nextTurn = setImmediate

/** Runs `body` in a macrotask of its own, where no microtask is under way. Settles with what it returns. */
export function inMacrotask<T>(body: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    nextTurn(() => {
      try {
        resolve(body())
      } catch (error) {
        reject(error)
      }
    })
  })
}
