import { defineService } from 'seaworthy/system'
import { REVIEWS_TOPIC } from '../reviews/contract/events.ts'

export const service = defineService({
  name: 'catalog',
  context: 'shopping',
  purpose: 'Knows what can be bought, at what price, and how it is rated.',
  owns: ['catalog'],
  publishes: [],
  consumes: [REVIEWS_TOPIC],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
