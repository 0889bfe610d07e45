import { defineService, reaction } from 'seaworthy/system'
import { customerForgotten, CUSTOMERS_TOPIC } from '../customers/contract/events.ts'
import { reviewImported, REVIEWS_TOPIC, reviewWritten } from './contract/events.ts'
import { QUESTION_POLICY } from './policies.ts'

export const service = defineService({
  name: 'reviews',
  context: 'shopping',
  purpose: 'Keeps what people think of products.',
  owns: ['reviews'],
  publishes: [REVIEWS_TOPIC],
  consumes: [CUSTOMERS_TOPIC],
  emits: [reviewWritten, reviewImported],
  reactions: [reaction(customerForgotten, { does: 'takes the name off their reviews' })],
  calls: ['catalog', 'customers'],
  policies: { catalog: QUESTION_POLICY, customers: QUESTION_POLICY },
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
