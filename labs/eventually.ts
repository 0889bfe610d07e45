import { sleep, systemClock, TimeoutError } from 'seaworthy/core'

const WITHIN_MS = 90_000
const LOOK_EVERY_MS = 100

/** Looks again and again, until what it sees is enough. @throws TimeoutError; what the last look threw */
export async function eventually<T>(
  what: string,
  look: () => Promise<T>,
  isEnough: (seen: T) => boolean,
  withinMs = WITHIN_MS,
): Promise<T> {
  const deadlineMs = systemClock.monotonicMs() + withinMs
  for (;;) {
    const isLate = systemClock.monotonicMs() > deadlineMs
    // Whoever is asked may be about to start.
    const seen = await look().catch((error: unknown) => {
      if (isLate) throw error
      return undefined
    })
    if (seen !== undefined && isEnough(seen)) return seen
    if (isLate) throw new TimeoutError(`It did not come to be that ${what}.`, withinMs)
    await sleep(systemClock, LOOK_EVERY_MS)
  }
}
