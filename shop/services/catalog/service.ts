import { defineService, reaction } from 'seaworthy/system'
import { reviewImported, REVIEWS_TOPIC, reviewWritten } from '../reviews/contract/events.ts'

export const service = defineService({
  name: 'catalog',
  context: 'shopping',
  purpose: 'Knows what can be bought, at what price, and how it is rated.',
  owns: ['catalog'],
  publishes: [],
  consumes: [REVIEWS_TOPIC],
  reactions: [reaction(reviewWritten, { does: 'counts the rating' }), reaction(reviewImported, { does: 'counts the rating' })],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
