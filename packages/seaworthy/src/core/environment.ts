import type { Clock, Timer } from './clock.ts'
import type { NewId } from './ids.ts'
import type { Random } from './random.ts'

/**
 * What code gets from its process when nobody hands it a port: the defaults of every `clock`, `random` and `newId`, and the turn of the event loop.
 * A simulation puts itself in the process's place, so that code which never heard of it runs in virtual time.
 */
export interface Environment {
  readonly clock: Clock
  readonly random: Random
  readonly newId: NewId
  nextMacrotask(fire: () => void): Timer
  /** See {@link faultPoint}. */
  faultPoint(name: string): Promise<void> | undefined
}

let resolve: (() => Environment | undefined) | undefined

/**
 * Puts another environment in the place of the process's own: the one that `next` finds for the code that asks, or the process's own where it finds none.
 * @returns a function that takes it away again
 */
export function setEnvironment(next: () => Environment | undefined): () => void {
  resolve = next
  return () => {
    if (resolve === next) resolve = undefined
  }
}

/** The environment that stands in for the process's own; undefined in production. */
export function environment(): Environment | undefined {
  return resolve?.()
}

/**
 * A place where the process may die, by name: `await faultPoint('between the two writes')`. In production it does nothing and costs a comparison.
 * A simulation crashes the process there and makes the returned promise wait for ever; one that rejects is a fault of what follows.
 */
export function faultPoint(name: string): Promise<void> | undefined {
  return resolve?.()?.faultPoint(name)
}
