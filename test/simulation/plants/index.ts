import { consumerPlants } from './consumer.ts'
import { cutOverPlants } from './cut-over.ts'
import { eventSourcingPlants } from './event-sourcing.ts'
import { inboxPlants } from './inbox.ts'
import { leasePlants } from './lease.ts'
import { outboxPlants } from './outbox.ts'
import type { Plant } from './plant.ts'
import { postgresPlants } from './postgres.ts'
import { queuePlants } from './queue.ts'
import { resiliencePlants } from './resilience.ts'
import { sagaPlants } from './saga.ts'

/** Every planted defect. */
export const plants: readonly Plant[] = [
  ...outboxPlants,
  ...inboxPlants,
  ...postgresPlants,
  ...consumerPlants,
  ...queuePlants,
  ...leasePlants,
  ...sagaPlants,
  ...eventSourcingPlants,
  ...resiliencePlants,
  ...cutOverPlants,
]
