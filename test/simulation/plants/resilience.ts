import { TimeoutError, rootContext, sleep } from 'seaworthy/core'
import { TOTAL_MS, topUpWorld } from '../worlds/top-up.ts'
import type { Plant } from './plant.ts'

const ATTEMPTS_MAX = 3

/** Mistakes of whoever calls others. */
export const resiliencePlants: readonly Plant[] = [
  {
    name: 'retry-of-unsafe-call',
    mistake: 'Whatever fails is tried again, though the receiver honours no key: an answer that was lost is paid for twice.',
    world: topUpWorld({
      calling:
        ({ transport, clock }) =>
        async (topUp) => {
          for (let attempt = 1; ; attempt++) {
            try {
              return await transport.call('provider', 'topUp', topUp, rootContext())
            } catch (error) {
              if (attempt === ATTEMPTS_MAX) throw error
              await sleep(clock, 100)
            }
          }
        },
    }),
  },
  {
    name: 'wall-clock-timeout',
    mistake: 'A timeout is measured on the wall clock: when that is set forward, calls time out that nobody waited for.',
    world: topUpWorld({
      calling:
        ({ transport, clock }) =>
        async (topUp) => {
          const untilMs = clock.now() + TOTAL_MS
          const answer = transport.call('provider', 'topUp', topUp, rootContext()).then(() => 'done' as const)
          while (clock.now() < untilMs) {
            if ((await Promise.race([answer, sleep(clock, 100)])) === 'done') return
          }
          answer.catch(() => undefined)
          throw new TimeoutError(`The provider did not answer within ${TOTAL_MS} ms.`, TOTAL_MS)
        },
    }),
  },
]
