import { sleep } from 'seaworthy/core'
import { poisonWorld } from '../worlds/poison.ts'
import type { Plant } from './plant.ts'

/** Mistakes of whoever reads a log. */
export const consumerPlants: readonly Plant[] = [
  {
    name: 'poison-blocks-every-key',
    mistake: 'A message that fails is tried again until it succeeds, and all others wait behind it: one bad message stops everything.',
    world: poisonWorld({
      async consuming({ eventLog, clock, note }, _, handler) {
        const reader = await eventLog.reader({ topics: ['sensors'], group: 'charts' })
        const handle = async (event: Parameters<typeof handler>[0], topic: string) => {
          for (let attempt = 1; ; attempt++) {
            try {
              return await handler(event, { topic, attempt, timeoutMs: 30_000, signal: new AbortController().signal, outOfOrder: false })
            } catch {
              await sleep(clock, Math.min(100 * 2 ** attempt, 30_000))
            }
          }
        }
        const consume = async () => {
          for (;;) {
            try {
              for (const { topic, partition, offset, event } of await reader.poll({ max: 10, waitMs: 1_000 })) {
                await handle(event, topic)
                await reader.commit([{ topic, partition, offset: offset + 1 }])
              }
            } catch {
              await sleep(clock, 100)
            }
          }
        }
        consume().catch((error: unknown) => note('the consumer ended', String(error)))
      },
    }),
  },
]
