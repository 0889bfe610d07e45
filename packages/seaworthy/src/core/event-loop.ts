import type { Timer } from './clock.ts'
import { environment } from './environment.ts'

/**
 * Calls `fire` in the event loop's next macrotask: after every promise that can settle without input, output or a timer has
 * settled. Not a duration, therefore not a part of {@link Clock}.
 */
export function nextMacrotask(fire: () => void): Timer {
  const replaced = environment()
  if (replaced !== undefined) return replaced.nextMacrotask(fire)
  const handle = setImmediate(fire)
  return { cancel: () => clearImmediate(handle) }
}
