import { type Clock, ConflictError, SeaworthyError, TimeoutError, sleep, systemClock } from 'seaworthy/core'
import type { ModelVersion } from './read-store.ts'
import type { Difference } from './verify.ts'

/** Documents of the new version are not what its own events make of them, or differ from the live ones where they should not. Nothing was switched. */
export class SwitchBlockedError extends SeaworthyError {
  /** The first ones. */
  readonly differences: readonly Difference[]

  constructor(message: string, differences: readonly Difference[]) {
    super('switch-blocked', message, { executed: 'no', final: true })
    this.differences = differences
  }
}

/** How many keys a message names. */
export const KEYS_SHOWN = 5
const LOOK_MS = 10

/** @throws SwitchBlockedError unless there is none */
export function assertNone(differences: readonly Difference[], what: string, { projection, version }: ModelVersion): void {
  if (differences.length === 0) return
  const keys = differences.slice(0, KEYS_SHOWN).map(({ key }) => key)
  throw new SwitchBlockedError(
    `Version ${version} of ${projection} does not become live: ${differences.length} ${what}, ${keys.join(', ')} among them. Mend the projection, and build another version.`,
    differences,
  )
}

export function movedMeanwhile(projection: string): ConflictError {
  return new ConflictError(`Another version of ${projection} became live meanwhile. Look at its versions again.`)
}

export function nothingToGoBackTo(projection: string, { live, to }: { readonly live: number; readonly to?: number }): ConflictError {
  return new ConflictError(`Projection ${projection} has no version ${to === undefined ? '' : `${to} `}before ${live} to go back to.`)
}

export function stillBehind(projection: string, { from, to }: { readonly from: number; readonly to: number }): ConflictError {
  return new ConflictError(`Version ${to} of ${projection} is behind version ${from}. Let it catch up, or go back evenIfBehind.`)
}

/** Looks again and again until it holds. @throws TimeoutError */
export async function within(
  options: { readonly timeoutMs: number; readonly clock?: Clock; readonly signal?: AbortSignal | undefined },
  what: string,
  holds: () => Promise<boolean>,
): Promise<void> {
  const { clock = systemClock, timeoutMs, signal } = options
  const deadlineMs = clock.monotonicMs() + timeoutMs
  while (!(await holds())) {
    if (clock.monotonicMs() >= deadlineMs)
      throw new TimeoutError(`${what} within ${timeoutMs} ms. Look at its status and lag, and try again.`, timeoutMs, { executed: 'no' })
    await sleep(clock, LOOK_MS, signal)
  }
}
