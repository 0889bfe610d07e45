import type { Clock, Timer } from 'seaworthy/core'
import type { ParticipantStore } from 'seaworthy/saga'

const HOUR_MS = 3_600_000
/** Longer than any saga of the shop can take: it tries for five minutes, and undoes for a day. */
const KEEP_MS = 7 * 24 * HOUR_MS

/** Removes answers that nobody can ask for any more, once an hour: a service must not remember every step it ever took. @returns a function that stops it */
export function forgetOldKeys(options: {
  readonly store: ParticipantStore
  readonly clock: Clock
  readonly logger: { warn(fields: object, message: string): void }
}): () => Promise<void> {
  const { store, clock, logger } = options
  let forgetting: Promise<void> = Promise.resolve()
  let timer: Timer = arm()

  function arm(): Timer {
    const fire = () => {
      forgetting = forget()
    }
    return clock.timer(HOUR_MS, fire, { keepAlive: false })
  }

  async function forget(): Promise<void> {
    try {
      await store.forget(clock.now() - KEEP_MS)
    } catch (error) {
      // They do no harm, and the next hour tries again.
      logger.warn({ err: error }, 'old idempotency keys were not removed')
    }
    timer = arm()
  }

  return async () => {
    timer.cancel()
    await forgetting
    timer.cancel()
  }
}
