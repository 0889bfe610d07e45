import { defineService } from 'seaworthy/system'
import { reviewImported, REVIEWS_TOPIC, reviewWritten } from './contract/events.ts'
import { QUESTION_POLICY } from './policies.ts'

export const service = defineService({
  name: 'reviews',
  context: 'shopping',
  purpose: 'Keeps what people think of products.',
  owns: ['reviews'],
  publishes: [REVIEWS_TOPIC],
  consumes: [],
  emits: [reviewWritten, reviewImported],
  calls: ['catalog', 'customers'],
  policies: { catalog: QUESTION_POLICY, customers: QUESTION_POLICY },
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
