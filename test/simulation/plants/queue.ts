import { mailingWorld } from '../worlds/mailing.ts'
import type { Plant } from './plant.ts'

/** Mistakes of whoever works off a queue. */
export const queuePlants: readonly Plant[] = [
  {
    name: 'fresh-key-per-attempt',
    mistake: 'A job makes a fresh idempotency key at each attempt: a redelivery sends the mail again.',
    world: mailingWorld({ keyOf: ({ newId }) => newId() }),
  },
]
