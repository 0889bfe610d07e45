import { consumerStoreSchema } from './consumer-store.ts'
import { eventStoreSchema } from './event-store.ts'
import { inboxStoreSchema } from './inbox-store.ts'
import { leaseStoreSchema } from './lease-store.ts'
import type { SchemaComponent } from './migrate.ts'
import { outboxStoreSchema } from './outbox-store.ts'
import { participantStoreSchema } from './participant-store.ts'
import { projectionStoreSchema } from './projection-store.ts'
import { queueSchema } from './queue-statements.ts'
import { readStoreSchema } from './read-store.ts'
import { sagaStoreSchema } from './saga-store.ts'
import { subjectStoreSchema } from './subject-store.ts'

/** Every component of the library that has tables on PostgreSQL. */
export const LIBRARY_SCHEMAS: readonly SchemaComponent[] = [
  outboxStoreSchema,
  inboxStoreSchema,
  consumerStoreSchema,
  queueSchema,
  leaseStoreSchema,
  eventStoreSchema,
  subjectStoreSchema,
  projectionStoreSchema,
  readStoreSchema,
  sagaStoreSchema,
  participantStoreSchema,
]
