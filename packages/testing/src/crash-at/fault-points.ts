import { type Environment, newId, nextMacrotask, setEnvironment, systemClock, systemRandom } from 'seaworthy/core'
import { labelOf } from './counted-point.ts'
import type { Reach } from './crash-at.ts'

/** Listens to the points that library and services name themselves. Everything else stays the process's own. @returns a function that stops it */
export function faultPoints(reach: Reach): () => void {
  // Whoever asks the process's own clock from in here must not be sent back here.
  let aside = false
  const own = <T>(ask: () => T): T => {
    aside = true
    try {
      return ask()
    } finally {
      aside = false
    }
  }
  const environment: Environment = {
    clock: {
      now: () => own(() => systemClock.now()),
      monotonicMs: () => own(() => systemClock.monotonicMs()),
      timer: (delayMs, fire, options) => own(() => systemClock.timer(delayMs, fire, options)),
    },
    random: {
      float: () => own(() => systemRandom.float()),
      fill: (bytes) => own(() => systemRandom.fill(bytes)),
    },
    newId: () => own(newId),
    nextMacrotask: (fire) => own(() => nextMacrotask(fire)),
    faultPoint(name) {
      reach(name.startsWith('database:') ? name : `fault-point:${labelOf(name)}`)
      return undefined
    },
  }
  return setEnvironment(() => (aside ? undefined : environment))
}
