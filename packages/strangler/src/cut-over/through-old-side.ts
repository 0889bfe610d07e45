import { type Clock, UnavailableError, sleep, systemClock } from 'seaworthy/core'
import type { AppendOnlyLog } from 'seaworthy/messaging'
import type { Side, SideState } from './side.ts'

export interface ThroughOldSideOptions {
  readonly old: Side
  readonly new: Side
  /** How long one batch waits until the old side has the rows that it tells of, in milliseconds; then the relay tries again. Default 5,000. */
  readonly waitMs?: number
  /** How often it looks for them, in milliseconds. Default 10. */
  readonly pollMs?: number
  readonly clock?: Clock
}

/**
 * Where the relay of the new side's outbox sends to, as long as the monolith runs beside it: through the old side, which has the topic. So a topic has one publisher on all
 * the way there and back, and what an event tells of is found on both sides by whoever hears of it.
 */
export function throughOldSide(options: ThroughOldSideOptions): Pick<AppendOnlyLog, 'append'> {
  const { old, new: own, waitMs = 5_000, pollMs = 10, clock = systemClock } = options
  return {
    async append(topic, events) {
      const { phase } = await own.state({})
      // A monolith that is retired is fed no more.
      const upTo = phase === 'retired' ? 0 : (await own.head({})).position
      const lateMs = clock.monotonicMs() + waitMs
      while (!hasCome(await old.state({}), upTo)) {
        if (clock.monotonicMs() > lateMs)
          throw new UnavailableError(
            `${events.length} events of ${topic} wait: the old side did not have what they tell of within ${waitMs} ms.`,
          )
        await sleep(clock, pollMs)
      }
      const { published } = await old.publish({ topic, events, upTo })
      if (!published) throw new UnavailableError(`${events.length} events of ${topic} wait: the data was on its way while they were sent.`)
    },
  }
}

function hasCome({ copy, position }: SideState, upTo: number): boolean {
  return copy.stage === 'done' && position >= upTo
}
